#!/usr/bin/env bash
# Makes $(deps/where openvino): a Python environment with OpenVINO, and graphs for the tests in graphs/
# (deps/openvino_models.py). Some are those of deps/onnx.sh in OpenVINO's own form.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$("$here/where" openvino)
[ -f "$out/.ready" ] && exit 0
"$here/onnx.sh"
echo "making OpenVINO's environment in $out"
rm -rf "$out"
for list in openvino/library.txt openvino.txt; do "$here/download" "$here/$list" --only-binary :all:; done
python3 -m venv "$out"
"$out/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --no-index \
  --find-links "$("$here/where" downloads)" -r "$here/openvino/library.txt" -r "$here/openvino.txt"
"$out/bin/python" "$here/openvino_models.py" "$("$here/where" onnx)/graphs" "$out/graphs"
touch "$out/.ready"
