#!/usr/bin/env bash
# Unpacks llama.cpp out of its pinned source package and builds it into the cache, once per version
# and flags. `deps/llama/build.sh peers` builds llama-bench and llama-server, which the benches run
# beside Quern.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
source=$("$here/where" llama-source)
prefix=$("$here/where" llama)
downloads=$("$here/where" downloads)

if [ ! -f "$source/.unpacked" ]; then
  mkdir -p "$downloads"
  "$here/download" "$here/llama/source.txt" --no-binary :all:
  rm -rf "$source"; mkdir -p "$source"
  tar -xzf "$downloads"/llama_cpp_python-*.tar.gz -C "$source" --strip-components=3 --wildcards '*/vendor/llama.cpp/*'
  touch "$source/.unpacked"
fi
# The kernels that people's machines differ by; the others fall back to the next smaller one. (cascadelake serves
# Ice Lake as well: nothing uses what that adds. zen4 would add a product of 16-bit floats, which few models hold,
# and 1.4 MB.) The list is taken anew: another version of this script may have left a shorter one.
tar -xzf "$downloads"/llama_cpp_python-*.tar.gz -C "$source" --strip-components=3 --wildcards '*/vendor/llama.cpp/ggml/src/CMakeLists.txt'
sed -i -E '/ggml_add_cpu_backend_variant\((sse42|sandybridge|ivybridge|piledriver|cannonlake|icelake|cooperlake|zen4|alderlake) /d' \
  "$source/ggml/src/CMakeLists.txt"

build() {  # build DIR PEERS TARGET...
  local dir=$1 peers=$2; shift 2
  cmake -S "$here/llama" -B "$dir" -G Ninja -DCMAKE_BUILD_TYPE=Release -DLLAMA_SOURCE="$source" -DQUERN_PEERS="$peers" \
    -DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache > "$dir.configure.log" 2>&1 \
    || { cat "$dir.configure.log" >&2; exit 1; }
  ninja -C "$dir" -j"$(nproc)" "$@"
}

if [ "${1:-}" = peers ]; then
  [ -x "$prefix/peers/bin/llama-bench" ] && [ -x "$prefix/peers/bin/llama-server" ] && exit 0
  mkdir -p "$prefix"
  build "$prefix/peers" ON llama-bench llama-server
  exit 0
fi

[ -f "$prefix/lib/libllama.a" ] && exit 0
echo "building llama.cpp (about 10 minutes on 2 cores, once per machine) into $prefix"
work=$(dirname "$prefix")/build-llama.$$
trap 'rm -rf "$work" "$work.configure.log"' EXIT
mkdir -p "$work"
build "$work" OFF llama llama-common cpp-httplib ggml
mkdir -p "$prefix/lib.part"
find "$work" \( -name 'lib*.a' -o -name 'lib*.so*' \) -exec cp -P {} "$prefix/lib.part/" \;
strip --strip-unneeded "$prefix"/lib.part/libggml*.so
rm -rf "$prefix/lib"
mv "$prefix/lib.part" "$prefix/lib"
