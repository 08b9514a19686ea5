#!/usr/bin/env bash
# Fetches the WIT of WASI-NN for components (wasi:nn@0.2.0-rc-2024-10-28), which lies inside a Rust
# package pinned by Cargo.lock; nothing of it is compiled. The result is
# $(deps/where wasi-nn-wit)/wasi-nn.wit.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$("$here/../where" wasi-nn-wit)
if [ -d "$out" ]; then exit 0; fi
manifest=$here/Cargo.toml
cargo fetch --quiet --locked --manifest-path "$manifest" --target x86_64-unknown-linux-gnu
source=$(cargo metadata --locked --offline --format-version 1 --manifest-path "$manifest" \
  --filter-platform x86_64-unknown-linux-gnu |
  python3 -c 'import json, os, sys
print(*(os.path.dirname(package["manifest_path"]) for package in json.load(sys.stdin)["packages"]
        if package["name"] == "wasmtime-wasi-nn"))')
part=$out.part.$$
mkdir -p "$part"
cp "$source/wit/wasi-nn.wit" "$part/"
mv "$part" "$out" 2>/dev/null || rm -rf "$part"   # another set-up was quicker
