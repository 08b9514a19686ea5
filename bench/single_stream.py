#!/usr/bin/env python3
"""Decode and prefill of one stream, through HTTP and sandbox, against llama-bench on the same source.

Both use the same weights, kernels and threads; runs alternate, ratios are taken pair by pair. Both decode
after equally many tokens: ours after the prompt's, llama-bench at that depth.
llama-bench measures the bare library; ours includes parsing, templates, sampling and streaming.
"""

import json
import random
import subprocess
import time

import harness

# Many short pairs: the machine's own speed drifts by a tenth within a minute, single pairs by a quarter.
PAIRS = 24
PROMPT_TOKENS = 512
NEW_TOKENS = 128


def llama_rate(*what: str) -> float:
    out = subprocess.check_output([harness.PEERS / "llama-bench", "-m", harness.MODEL, "-t", str(harness.THREADS), *what,
                                   "-r", "1", "-o", "json"], text=True, stderr=subprocess.DEVNULL)
    return json.loads(out)[0]["avg_ts"]


def llama_bench(depth: int) -> dict:
    return {"prefill": llama_rate("-p", str(PROMPT_TOKENS), "-n", "0"),
            "decode": llama_rate("-p", "0", "-n", str(NEW_TOKENS), "-d", str(depth))}


def read_prompt(port: int, nonce: str) -> dict:
    # Another first word each time. What the template puts before it is found in the cache all the
    # same, so only tokens that were computed are counted.
    words = " ".join(f"{nonce}{chr(97 + i % 26)}" for i in range(PROMPT_TOKENS // 3 - 12))
    return harness.chat(port, {"max_tokens": 1, "temperature": 0, "messages": [{"role": "user", "content": words}]})


def ours(port: int, nonce: int) -> dict:
    read_prompt(port, f"{nonce}00")  # llama-bench, too, reads one before it measures
    prompt = read_prompt(port, f"{nonce}")
    decode = harness.chat(port, {"max_tokens": NEW_TOKENS, "temperature": 0, "logit_bias": {"2": -100, "0": -100},
                                 "messages": [{"role": "user", "content": f"{nonce}. Tell a very long story."}]})
    computed = prompt["timings"]["prompt_n"]
    return {"prefill": computed / prompt["last_s"], "computed_prompt_tokens": computed,
            "decode": (decode["tokens"] - 1) / (decode["last_s"] - decode["first_s"]), "new_tokens": decode["tokens"],
            "depth": decode["prompt"]}


def median_within(ratios: list, draws: int = 4000) -> list:
    """Between which ratios the median lies in 95 of 100 draws with replacement (the percentile bootstrap)."""
    draw = random.Random(1)
    medians = sorted(harness.median(draw.choices(ratios, k=len(ratios))) for _ in range(draws))
    return [round(medians[int(draws * q)], 3) for q in (0.025, 0.975)]


def main() -> None:
    pairs = []
    with harness.quern() as server:
        depth = ours(server.port, 0)["depth"]  # and warm-up
        for n in range(1, PAIRS + 1):
            turns = [lambda: llama_bench(depth), lambda n=n: ours(server.port, n)]
            if n % 2:
                turns.reverse()
            results = []
            for turn in turns:
                time.sleep(0.3)  # threads of the last turn spin a little before they sleep
                results.append(turn())
            own, peer = results if n % 2 else reversed(results)
            pairs.append((own, peer))
            print(f"pair {n}: decode {own['decode']:.1f} / {peer['decode']:.1f}, "
                  f"prefill {own['prefill']:.0f} / {peer['prefill']:.0f} tokens/s", flush=True)
    harness.report("single_stream", {
        what: {"quern": round(harness.median(o[what] for o, _ in pairs), 1),
               "llama_bench": round(harness.median(p[what] for _, p in pairs), 1),
               "ratio": round(harness.median(o[what] / p[what] for o, p in pairs), 3),
               "ratio_95": median_within([o[what] / p[what] for o, p in pairs])}
        for what in ("decode", "prefill")
    } | {"computed_prompt_tokens": pairs[0][0]["computed_prompt_tokens"], "new_tokens": pairs[0][0]["new_tokens"],
       "depth": depth, "pairs": PAIRS})


if __name__ == "__main__":
    main()
