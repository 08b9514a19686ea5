#!/usr/bin/env bash
# Fetches OpenVINO's C headers: its package for Python has them, beside the library that the tests
# load (deps/openvino.sh). The result is $(deps/where openvino-headers)/openvino/c/openvino.h.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$("$here/../where" openvino-headers)
if [ -d "$out" ]; then exit 0; fi
"$here/../download" "$here/library.txt" --only-binary :all:
part=$out.part.$$
python3 - "$("$here/../where" downloads)" "$here/library.txt" "$part" <<'EXTRACT'
import pathlib, re, sys, zipfile
downloads, pins, to = map(pathlib.Path, sys.argv[1:])
digest = re.search("sha256:([0-9a-f]{64})", pins.read_text())[1]
wheel = next(mark.with_suffix("") for mark in downloads.glob("openvino-*.sha256") if mark.read_text().strip() == digest)
folder = "openvino/include/"
for name in zipfile.ZipFile(wheel).namelist():
    if name.startswith(folder + "openvino/c/") and name.endswith(".h"):
        file = to / name.removeprefix(folder)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(zipfile.ZipFile(wheel).read(name))
EXTRACT
[ -f "$part/openvino/c/openvino.h" ]
mv "$part" "$out" 2>/dev/null || rm -rf "$part"   # another set-up was quicker
