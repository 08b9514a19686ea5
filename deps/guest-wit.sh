#!/usr/bin/env bash
# Fetches what components are built against: the WIT of WASI 0.2.12 and the adapters from WASI 0.1
# imports. Both lie inside Rust packages, pinned by deps/guest-wit/Cargo.lock; nothing of those
# packages is compiled. The result is $(deps/where guest-wit)/{wit,adapters}.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$("$here/where" guest-wit)
if [ -d "$out" ]; then exit 0; fi

manifest=$here/guest-wit/Cargo.toml
cargo fetch --quiet --locked --manifest-path "$manifest" --target x86_64-unknown-linux-gnu
package() {  # the folder that holds the sources of package $1
  cargo metadata --locked --offline --format-version 1 --manifest-path "$manifest" \
    --filter-platform x86_64-unknown-linux-gnu |
    python3 -c 'import json, os, sys
for package in json.load(sys.stdin)["packages"]:
    if package["name"] == sys.argv[1]:
        print(os.path.dirname(package["manifest_path"]))' "$1"
}
part=$out.part.$$
mkdir -p "$part/wit" "$part/adapters"
cp "$(package wasmtime-wasi-http)"/wit/deps/*.wit "$part/wit/"
cp "$(package wasi-preview1-component-adapter-provider)"/artefacts/*.wasm "$part/adapters/"
mv "$part" "$out" 2>/dev/null || rm -rf "$part"   # another set-up was quicker
