#!/usr/bin/env bash
# Builds the two programs that turn wasm modules into components: wit-bindgen (bindings from WIT)
# and wasm-tools (component new, validate, print, strip). They go to $(deps/where tools)/bin,
# whose key is this file. The versions are pinned here, their dependencies by --locked.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$("$here/where" tools)
if [ -x "$root/bin/wit-bindgen" ] && [ -x "$root/bin/wasm-tools" ]; then exit 0; fi

# They run for milliseconds: a quick build is worth more than quick programs.
export CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_DEBUG=0 \
  CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}

cargo install --locked --root "$root" --no-default-features --features c,cpp \
  wit-bindgen-cli@=0.63.0
cargo install --locked --root "$root" --no-default-features \
  --features component,parse,print,strip,validate wasm-tools@=1.263.0
rm -rf "$root/target"
