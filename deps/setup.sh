#!/usr/bin/env bash
# Brings this machine from bare Debian 12 to where Quern builds. Every step looks first whether its
# work is done, so a second run takes seconds. `deps/setup.sh tests` also brings what only the
# tests need (weights of two small models, a browser).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
what=${1:-build}
start=$SECONDS
step() { printf '\033[1m[%3ds] %s\033[0m\n' "$((SECONDS - start))" "$*"; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else echo "setup: installing packages needs root or sudo" >&2; exit 1; fi
}

installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'install ok installed'; }

apt_missing=()
while read -r package _; do
  case "$package" in ''|'#'*) continue ;; esac
  installed "$package" || apt_missing+=("$package")
done < <(cat "$here/apt.txt"; if [ "$what" = tests ]; then cat "$here/apt-tests.txt"; fi)

. "$here/toolchains.sh"
quern_rust_ok rustc || { apt_missing+=(rustc-web cargo-web); }
node_ok() { command -v node >/dev/null && [ "$(node -p 'parseInt(process.versions.node)')" -ge 20 ] && command -v npm >/dev/null; }
node_ok || apt_missing+=(nodejs npm)

if [ ${#apt_missing[@]} -gt 0 ]; then
  step "installing ${#apt_missing[@]} Debian packages: ${apt_missing[*]}"
  as_root apt-get update -qq
  # The tests start a registry of their own; the package would start one for everybody.
  case " ${apt_missing[*]} " in *" docker-registry "*)
    as_root mkdir -p /etc/systemd/system
    as_root ln -sfn /dev/null /etc/systemd/system/docker-registry.service ;;
  esac
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${apt_missing[@]}" > /tmp/quern-apt.$$ 2>&1 \
    || { cat /tmp/quern-apt.$$ >&2; exit 1; }
  rm -f /tmp/quern-apt.$$
fi
quern_rust_ok rustc || { echo "setup: no Rust of at least 1.95 here; install one (rustup, or Debian's rustc-web) and run again" >&2; exit 1; }
node_ok || { echo "setup: no Node of at least 20 here; install one and run again" >&2; exit 1; }

cache=$("$here/where" cache)
mkdir -p "$cache"
exec 9> "$cache/.setup.lock"
flock 9   # two clones on one machine share the work

step "Python environment"
"$here/python.sh"
step "llama.cpp"
"$here/llama/build.sh"
step "ONNX Runtime's C header"
"$here/onnxruntime/headers.sh" || echo "setup: this build will know no ONNX Runtime"
step "OpenVINO's C headers"
"$here/openvino/headers.sh" || echo "setup: this build will know no OpenVINO"
step "component tools (wit-bindgen, wasm-tools)"
"$here/tools.sh"
step "WIT and adapters for components"
"$here/guest-wit.sh"
if [ "$what" = tests ]; then
  step "weights for the tests"
  if [ ! -f "$("$here/where" models)/gemma-3-270m.gguf" ] || [ ! -f "$("$here/where" models)/smollm2-135m-instruct.gguf" ]; then
    "$here/download" "$here/models.txt"
    python3 "$here/models.py" "$("$here/where" downloads)" "$("$here/where" models)"
  fi
fi
if [ "$what" = tests ]; then
  step "ONNX Runtime and a model for it"
  "$here/wasi-nn/wit.sh" || echo "setup: the tests of WASI-NN for components will be skipped"
  "$here/onnx.sh" || echo "setup: the tests of ONNX graphs will be skipped"
  step "OpenVINO and graphs for it"
  "$here/openvino.sh" || echo "setup: the tests of OpenVINO's graphs will be skipped"
  step "Rust for wasm"
  "$here/log-clients.sh" || echo "setup: the tests of pipelines with loggers of others will be skipped"
  "$here/rust-wasm.sh" || echo "setup: the tests of guests written in Rust will be skipped"
  step "a bare root to install into"
  "$here/bare-root.sh"
fi
step "set up"
