#!/bin/sh
# Installs Quern: sh install.sh [--from DIR|URL] [--to PREFIX]
#
#   --from   where quern-*.tar.gz and SHA256SUMS lie: a folder (default: this script's) or an
#            address (needs curl or wget)
#   --to     where it goes (default: /usr/local for root, ~/.local otherwise)
#
# The archive is checked against SHA256SUMS before anything is unpacked; an installation in place
# is replaced only when the new one is whole. Needs tar, gzip and sha256sum, nothing else.
set -eu

say() { printf 'quern install: %s\n' "$*"; }
die() { say "$*" >&2; exit 1; }

from=$(cd "$(dirname "$0")" && pwd)
if [ "$(id -u)" = 0 ]; then to=/usr/local; else to=$HOME/.local; fi
while [ $# -gt 0 ]; do
  case "$1" in
    --from) [ $# -ge 2 ] || die "--from needs a folder or an address"; from=$2; shift 2 ;;
    --to) [ $# -ge 2 ] || die "--to needs a folder"; to=$2; shift 2 ;;
    -h|--help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) die "unknown option $1 (see --help)" ;;
  esac
done

[ "$(uname -s)" = Linux ] || die "this archive is for Linux; this machine runs $(uname -s)"
arch=$(uname -m)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

fetch() {
  case "$from" in
    http://*|https://*)
      if command -v curl >/dev/null; then curl -fsSL --retry 3 -o "$work/$1" "$from/$1"
      elif command -v wget >/dev/null; then wget -q -O "$work/$1" "$from/$1"
      else die "fetching needs curl or wget; or copy the files here and use --from DIR"; fi ;;
    *) cp "$from/$1" "$work/$1" ;;
  esac
}

fetch SHA256SUMS || die "no SHA256SUMS at $from"
archive=$(sed -n "s/^[0-9a-f]\{64\}  \(quern-[0-9.]*-linux-$arch\.tar\.gz\)\$/\1/p" "$work/SHA256SUMS")
[ -n "$archive" ] || die "SHA256SUMS names no archive for $arch"
fetch "$archive" || die "no $archive at $from"
(cd "$work" && grep -F "  $archive" SHA256SUMS | sha256sum -c - >/dev/null 2>&1) \
  || die "$archive does not have the digest that SHA256SUMS names; nothing was installed"

tar -xzf "$work/$archive" -C "$work"
tree=$work/${archive%.tar.gz}
"$tree/bin/quern" version >/dev/null 2>&1 || die "the program does not run here (it needs glibc 2.36 and libstdc++ 12 or newer)"
mkdir -p "$to/bin" "$to/lib" "$to/share"
rm -rf "$to/lib/quern.new"
cp -r "$tree/lib/quern" "$to/lib/quern.new"
cp "$tree/bin/quern" "$to/bin/quern.new"
rm -rf "$to/lib/quern.old"
[ -d "$to/lib/quern" ] && mv "$to/lib/quern" "$to/lib/quern.old"
mv "$to/lib/quern.new" "$to/lib/quern"
mv "$to/bin/quern.new" "$to/bin/quern"
rm -rf "$to/lib/quern.old"
cp -r "$tree/share/." "$to/share/"
say "installed $("$to/bin/quern" version | head -n 1) in $to"
case ":$PATH:" in *":$to/bin:"*) say "start it with: quern" ;; *) say "start it with: $to/bin/quern" ;; esac
