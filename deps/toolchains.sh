# Sourced: puts a Rust of at least 1.95 and a Node of at least 20 on PATH. Looks at PATH, then at
# the user's own rustup (also when HOME points elsewhere), then at Debian's current builds, which
# deps/setup.sh installs where nothing newer is found.
quern_home=$(getent passwd "$(id -u)" | cut -d: -f6)
quern_rust_ok() { "$1" --version 2>/dev/null | awk '{split($2, v, "."); new = v[1] > 1 || v[2] >= 95} END {exit !new}'; }
if ! quern_rust_ok rustc; then
  if [ -d "$quern_home/.rustup" ] && [ -z "${RUSTUP_HOME:-}" ]; then
    export RUSTUP_HOME="$quern_home/.rustup"
    export PATH="$quern_home/.cargo/bin:$PATH"
  fi
fi
export CARGO_NET_RETRY=5
# Crates are fetched once per machine, whatever HOME says.
if [ -z "${CARGO_HOME:-}" ]; then
  if [ -d "$quern_home/.cargo" ] && [ -w "$quern_home/.cargo" ]; then export CARGO_HOME="$quern_home/.cargo"; fi
fi
# Compiled objects are kept per machine too, and found again from another clone.
quern_root=$(git rev-parse --show-toplevel 2>/dev/null || pwd)
export CCACHE_DIR=${CCACHE_DIR:-$("$quern_root/deps/where" cache)/ccache}
export CCACHE_BASEDIR=$quern_root CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=5G
