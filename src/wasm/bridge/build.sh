#!/usr/bin/env bash
# Builds the crate and puts its library where CMake wants it: build.sh OUTPUT. What Cargo makes
# lies in the cache (deps/where bridge-target), so that Wasmtime is compiled once per machine.
set -euo pipefail
output=$1
cd "$(dirname "$0")"
. ../../../deps/toolchains.sh
target=$(../../../deps/where bridge-target)
export CARGO_TARGET_DIR="$target"
mkdir -p "$target"
exec 9> "$target/.quern.lock"
flock 9 # two clones may build at once, and both name their library the same
# Another clone's library lies under the same name: what was built last must be of these sources.
sources=$(cat Cargo.toml Cargo.lock src/*.rs | sha256sum)
[ "$(cat "$target/.quern.sources" 2>/dev/null)" = "$sources" ] || touch src/lib.rs
cargo build --release --locked --offline --quiet 2> "$target/offline.log" ||
  cargo build --release --locked || { cat "$target/offline.log" >&2; exit 1; }
echo "$sources" > "$target/.quern.sources"
cp "$target/release/libquern_bridge.a" "$output.new"
mv "$output.new" "$output"
