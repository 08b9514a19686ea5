#!/usr/bin/env bash
# Fetches the C header of ONNX Runtime, which the library's own packages do not carry: a Go module has
# it, pinned by hash in go.sum. Nothing of that module is compiled. The result is
# $(deps/where onnxruntime-headers)/onnxruntime_c_api.h.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$("$here/../where" onnxruntime-headers)
if [ -d "$out" ]; then exit 0; fi
go=$("$here/../where" python)/bin/go   # deps/python.sh brings it
cd "$here"
source=$(GOTOOLCHAIN=local GOFLAGS=-mod=mod GOWORK=off "$go" mod download -json github.com/yalue/onnxruntime_go |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["Dir"])')
part=$out.part.$$
mkdir -p "$part"
cp "$source"/onnxruntime_c_api.h "$source"/onnxruntime_ep_c_api.h "$part/"
chmod -R u+w "$part"
mv "$part" "$out" 2>/dev/null || rm -rf "$part"   # another set-up was quicker
