#!/usr/bin/env python3
"""Start to ready with the weights on disk, against llama-server: until /health says 200."""

import harness

PAIRS = 7


def main() -> None:
    pairs = []
    for n in range(PAIRS + 1):
        with harness.quern() as own:
            pass
        with harness.llama_server() as peer:
            pass
        if n:
            pairs.append((own.ready_s, peer.ready_s))
    harness.report("start", {
        "quern_s": round(harness.median(o for o, _ in pairs), 3),
        "llama_server_s": round(harness.median(p for _, p in pairs), 3),
        "ratio": round(harness.median(o / p for o, p in pairs), 3), "pairs": PAIRS})


if __name__ == "__main__":
    main()
