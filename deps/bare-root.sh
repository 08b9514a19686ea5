#!/usr/bin/env bash
# Makes a bare Debian 12 in a folder of the cache: no compiler, no Python, no Node. The installed
# program is tried in a copy of it. Taken from the mirror that this machine's apt uses.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$("$here/where" bare-root)
[ -f "$root/.ready" ] && exit 0
[ "$(id -u)" = 0 ] || { echo "deps/bare-root.sh needs root; the tests that use it will be skipped"; exit 0; }
echo "making a bare Debian in $root (about a minute)"
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(CREATED_BY)' | awk '$2 == "bookworm" && $3 == "Packages" { print $1; exit }')
rm -rf "$root"
debootstrap --variant=minbase bookworm "$root" "$mirror" > "$root.log" 2>&1 || { tail -n 20 "$root.log" >&2; exit 1; }
touch "$root/.ready"
