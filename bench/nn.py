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
MODELS = ("smollm2-135m-instruct", "gemma-3-270m")
PROMPT = "Here is a very long story about a mill by a river, told in a hundred chapters. Chapter one: the miller."


def measure(model) -> dict:
    options = json.dumps({"temp": 0, "n-predict": NEW_TOKENS, "ctx-size": 1024})
    words = [harness.BUILD / "src/guestapi/nn_bench", model, build("rust/nn-metadata"), PAIRS, harness.THREADS,
             "default", options, "", PROMPT]
    out = subprocess.run([str(word) for word in words], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    pairs = [json.loads(line) for line in out.stdout.splitlines() if line.startswith("{\"")]
    # Answers of a batch and alone may differ; they must not differ in length.
    if any(way["tokens"] != 2 * NEW_TOKENS for pair in pairs for way in pair.values()):
        sys.exit(f"the model ended an answer early: {pairs}")
    return {
        "at_once_s": round(harness.median(p["at_once"]["s"] for p in pairs), 3),
        "one_after_the_other_s": round(harness.median(p["one_after_the_other"]["s"] for p in pairs), 3),
        "ratio": round(harness.median(p["at_once"]["s"] / p["one_after_the_other"]["s"] for p in pairs), 3)}


def main() -> None:
    subprocess.run(["ninja", "-C", harness.BUILD, "nn_bench"], check=True, stdout=subprocess.DEVNULL)
    # Two, because what a batch saves depends on the weights' format: some kernels have a form for several
    # tokens at once (Q4_K), others compute one after the other (Q4_1).
    models = {name: measure(harness.where("models") / f"{name}.gguf") for name in MODELS}
    harness.report("nn", {**models, "new_tokens": NEW_TOKENS, "pairs": PAIRS}, model=None)


if __name__ == "__main__":
    main()
