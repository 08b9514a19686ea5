#!/usr/bin/env bash
# Makes the Python environment of the tests in the cache, from pinned wheels.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv=$("$here/where" python)
[ -f "$venv/.ready" ] && exit 0
echo "making the tests' Python environment in $venv"
rm -rf "$venv"
python3 -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$here/python.txt"
touch "$venv/.ready"
