#!/usr/bin/env bash
# Makes $(deps/where onnx): a Python environment with ONNX Runtime, and graphs for the tests in graphs/.
# One of them is a sentence encoder with real weights (deps/onnx_models.py).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$("$here/where" onnx)
[ -f "$out/.ready" ] && exit 0
echo "making ONNX Runtime's environment in $out"
rm -rf "$out"
python3 -m venv "$out"
"$out/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r "$here/onnx.txt"
"$out/bin/python" "$here/onnx_models.py" "$out/graphs"
touch "$out/.ready"
