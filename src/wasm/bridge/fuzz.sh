#!/usr/bin/env bash
# Builds what of the crate is fuzzed, as a static library: fuzz.sh OUTPUT.
set -euo pipefail
output=$1
cd "$(dirname "$0")"
. ../../../deps/toolchains.sh
# The counters that libFuzzer reads; a panic is a crash.
counters="-sanitizer-coverage-level=3 -sanitizer-coverage-inline-8bit-counters -sanitizer-coverage-pc-table -sanitizer-coverage-trace-compares"
rustc --edition 2021 --crate-type staticlib --crate-name quern_recording_fuzz -C opt-level=1 -C debuginfo=1 \
  -C panic=abort -C overflow-checks=on -C codegen-units=1 -C passes=sancov-module -C llvm-args="$counters" \
  fuzz/recording.rs -o "$output.new"
mv "$output.new" "$output"
