#!/usr/bin/env bash
# Makes a Rust that compiles for wasm32-wasip1 in $(deps/where rust-wasm): bin/rustc, to be named to
# cargo as RUSTC. Only the tests' guests are built with it.
#
# Rust's own distribution server may be out of reach, so the target's standard library is built here:
# from Debian's compiler for browsers (rustc-web) and the sources of exactly that compiler
# (rust-web-src). They are unpacked and not installed, so that this machine's own Rust stays what it
# is. Which version it is, is Debian's say, whose signature apt checks; what the library depends on is
# pinned by the Cargo.lock among its sources. The C library and the linker are Debian's as well
# (wasi-libc, lld-19 in apt.txt). It takes about a minute on two idle cores, and half a gigabyte.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$("$here/where" rust-wasm)
if [ -d "$out" ]; then exit 0; fi
. "$here/toolchains.sh"
fail() { echo "deps/rust-wasm.sh: $*" >&2; exit 1; }

target=wasm32-wasip1
libc=/usr/lib/wasm32-wasi
linker=/usr/bin/wasm-ld-19
[ -f "$libc/libc.a" ] || fail "there is no $libc/libc.a; install wasi-libc"
[ -x "$linker" ] || fail "there is no $linker; install lld-19"
apt-cache show rust-web-src >/dev/null 2>&1 \
  || fail "apt knows no rust-web-src; it is in Debian 12 and its security updates (apt-get update)"

# The compiler's own libraries carry their version in their names.
depends() {  # what package $1 depends on whose name begins with $2
  apt-cache depends "$1" | awk -v prefix="$2" '$1 == "Depends:" && index($2, prefix) == 1 { print $2 }'
}
std=$(depends libstd-rust-web-dev libstd-rust-web-)
llvm=$(depends "$std" libllvm)

part=$out.part.$$
trap 'rm -rf "$part"' EXIT
mkdir -p "$part/debs" "$part/bin"
echo "fetching Debian's Rust for browsers and its sources"
(cd "$part/debs" && apt-get download -qq -o APT::Sandbox::User=root -o Acquire::Retries=3 \
  rustc-web libstd-rust-web-dev "$std" "$llvm" rust-web-src) || fail "apt could not fetch the packages (apt-get update)"
for deb in "$part"/debs/*.deb; do
  case "$deb" in
    */rust-web-src_*) dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$part" --wildcards './usr/src/rustc-*/library/*' ;;
    *) dpkg-deb -x "$deb" "$part" ;;
  esac
done
rm -rf "$part/debs" "$part/usr/share"

cat > "$part/bin/rustc" <<'EOF'
#!/bin/sh
root=$(dirname "$(dirname "$(readlink -f "$0")")")
libraries=$(echo "$root"/usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
exec "$root/usr/bin/rustc" "$@"
EOF
chmod +x "$part/bin/rustc"
"$part/bin/rustc" --version || fail "the unpacked compiler does not run here"
quern_rust_ok "$part/bin/rustc" || fail "that is too old; apt needs the sources of Debian's security updates"

# The flags are those that rustc's own build gives its library: guests may optimise across it, and may
# not name the crates inside it.
echo "building Rust's standard library for $target (half a minute on two idle cores)"
RUSTC=$part/bin/rustc RUSTC_BOOTSTRAP=1 __CARGO_DEFAULT_LIB_METADATA=stable CARGO_TARGET_DIR=$part/build \
  RUSTFLAGS="-Cembed-bitcode=yes -Zforce-unstable-if-unmarked" \
  cargo build --quiet --release --locked --target "$target" \
  --manifest-path "$(echo "$part"/usr/src/rustc-*/library/sysroot/Cargo.toml)" \
  || fail "the standard library could not be built"
sysroot=$part/usr/lib/rustlib
host=$(echo "$sysroot"/*-linux-gnu)
mkdir -p "$sysroot/$target/lib/self-contained" "$host/bin"
mv "$part/build/$target/release/deps"/*.rlib "$sysroot/$target/lib/"
# Where rustc looks for what its own distribution brings along.
ln -s "$libc/libc.a" "$libc/crt1-command.o" "$libc/crt1-reactor.o" "$sysroot/$target/lib/self-contained/"
ln -s "$linker" "$host/bin/rust-lld"
rm -rf "$part/build" "$part/usr/src" "$sysroot/src"
mv "$part" "$out" 2>/dev/null || [ -d "$out" ]   # another set-up was quicker
