#!/usr/bin/env bash
# Makes a Python environment with llama-cpp-python in the cache, for bench/python.py alone. It is built
# as pip builds it for any user (kernels of this machine, OpenMP); only its picture part is left out.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/toolchains.sh"
venv=$("$here/where" llama-cpp-python)
[ -f "$venv/.ready" ] && exit 0
echo "building llama-cpp-python (about 10 minutes on 2 cores, once per machine) into $venv"
"$here/download" "$here/llama/source.txt" --no-binary :all:
rm -rf "$venv"
python3 -m venv "$venv"
pip=("$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes)
"${pip[@]}" --only-binary :all: -r "$here/llama-cpp-python.txt"
CMAKE_ARGS="-DLLAVA_BUILD=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_SERVER=OFF -DLLAMA_OPENSSL=OFF -DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache" \
  CMAKE_BUILD_PARALLEL_LEVEL=$(nproc) \
  "${pip[@]}" --no-build-isolation --no-deps -r "$here/llama/source.txt"
touch "$venv/.ready"
