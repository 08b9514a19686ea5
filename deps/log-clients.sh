#!/usr/bin/env bash
# Loggers of others in the cache, for the end-to-end tests of pipelines: one from PyPI, and one from npm
# that waits for acknowledgements.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
place=$("$here/where" log-clients)
[ -f "$place/.ready" ] && exit 0
echo "fetching loggers for the tests of pipelines"
rm -rf "$place"
python3 -m venv "$place/python"
"$place/python/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$here/log-clients/python.txt"
mkdir -p "$place/node"
cp "$here/log-clients/package.json" "$here/log-clients/package-lock.json" "$place/node/"
npm --prefix "$place/node" ci --silent --no-audit --no-fund
touch "$place/.ready"
