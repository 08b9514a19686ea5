#!/usr/bin/env python3
"""Decode of one stream while two other programs keep processors busy, against llama-server.

Both use the same weights, kernels and threads and answer in turns; ratios are taken pair by pair.
The two programs spin through each pair and rest between pairs, so that the steps in which the best
number of threads is found, both ways, are part of our rates. A rate counts the pieces of text after
the first one, in the first seconds of an answer: a whole one may take minutes here.
"""

import subprocess
import sys
import time

import harness

PAIRS = 4
BUSY = 2
SECONDS = 6


class Spinners:
    def __enter__(self):
        self.processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BUSY)]
        time.sleep(0.3)

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()


def decode(server: harness.Server, nonce: int) -> float:
    answer = harness.chat(server.port, {
        "max_tokens": 512, "temperature": 0, "logit_bias": {"2": -100, "0": -100},
        "messages": [{"role": "user", "content": f"{nonce}. Tell a very long story."}]}, seconds=SECONDS)
    return (answer["pieces"] - 1) / (answer["last_s"] - answer["first_s"])


def main() -> None:
    quiet, pairs = [], []
    with harness.quern() as own, harness.llama_server() as peer:
        for n in range(PAIRS + 1):
            quiet.append((decode(own, 2 * n), decode(peer, 2 * n)))
            if n == 0:  # that warmed both up
                quiet.clear()
                continue
            with Spinners():
                rates = {turn: decode(turn, 2 * n + 1) for turn in ([own, peer] if n % 2 else [peer, own])}
            pairs.append((rates[own], rates[peer]))
            print(f"pair {n}: {rates[own]:.1f} / {rates[peer]:.1f} tokens/s, "
                  f"without them {quiet[-1][0]:.1f} / {quiet[-1][1]:.1f}", flush=True)
    harness.report("busy", {name: {
        "quern": round(harness.median(o for o, _ in rates), 1),
        "llama_server": round(harness.median(p for _, p in rates), 1),
        "ratio": round(harness.median(o / p for o, p in rates), 3)}
        for name, rates in (("decode", pairs), ("decode_without_them", quiet))
    } | {"busy_programs": BUSY, "seconds": SECONDS, "pairs": PAIRS})


if __name__ == "__main__":
    main()
