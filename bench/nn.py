#!/usr/bin/env python3
"""Two guests at once on one model through WASI-NN, against the same two one after the other.

Both ways in one process, in turns; the guest is a Rust program made with WasmEdge's own crate, which
reads a prompt and makes 96 tokens. Guests have different tenants, so that nothing is computed for both.
"""

import json
import subprocess
import sys

import harness

sys.path.insert(0, str(harness.ROOT / "tests" / "guests"))
from build import build  # noqa: E402

PAIRS = 9
NEW_TOKENS = 96


def main() -> None:
    subprocess.run(["ninja", "-C", harness.BUILD, "nn_bench"], check=True, stdout=subprocess.DEVNULL)
    options = json.dumps({"temp": 0, "n-predict": NEW_TOKENS, "ctx-size": 1024})
    words = [harness.BUILD / "src/guestapi/nn_bench", harness.MODEL, build("rust/nn-metadata"), PAIRS, harness.THREADS,
             "default", options, "", "Once upon a time there was a mill by the river. " * 4]
    out = subprocess.run([str(word) for word in words], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    pairs = [json.loads(line) for line in out.stdout.splitlines() if line.startswith("{\"at_once_s\"")]
    harness.report("nn", {
        "at_once_s": round(harness.median(p["at_once_s"] for p in pairs), 3),
        "one_after_the_other_s": round(harness.median(p["one_after_the_other_s"] for p in pairs), 3),
        "ratio": round(harness.median(p["at_once_s"] / p["one_after_the_other_s"] for p in pairs), 3),
        "new_tokens": NEW_TOKENS, "pairs": len(pairs)})


if __name__ == "__main__":
    main()
