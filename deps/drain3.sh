#!/usr/bin/env bash
# Makes a Python environment with drain3 in the cache, for bench/mining.py alone.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv=$("$here/where" drain3)
[ -f "$venv/.ready" ] && exit 0
rm -rf "$venv"
python3 -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$here/drain3.txt"
touch "$venv/.ready"
