#!/usr/bin/env python3
"""1 and 8 clients that share a system prompt of about 500 tokens, against llama-server.

Every round uses a system prompt that neither server has seen, so that the first sight of it is
part of the measurement. Both servers may use all slots (8) and their prompt caches as they come.
"""

import asyncio
import random
import time

import harness

ROUNDS = 4
NEW_TOKENS = 48
WORDS = ("river stone mill grain water wheel village bread morning light harvest field road market "
         "people story winter summer house garden").split()


def system_prompt(seed: int) -> str:
    rng = random.Random(seed)
    return f"Rules {seed}. " + " ".join(rng.choice(WORDS) for _ in range(480))


async def one_round(port: int, clients: int, seed: int) -> dict:
    system = system_prompt(seed)
    start = time.perf_counter()
    answers = await asyncio.gather(*[
        harness.stream_chat(port, {"max_tokens": NEW_TOKENS, "temperature": 0, "messages": [
            {"role": "system", "content": system},
            {"role": "user", "content": f"Client {n}: tell me about the {WORDS[n]}."}]})
        for n in range(clients)])
    wall = time.perf_counter() - start
    first = sorted(a["first_s"] for a in answers)
    return {"tokens_per_s": sum(a["tokens"] for a in answers) / wall, "ttft_p50_s": harness.median(first),
            "ttft_max_s": first[-1], "prompt_tokens": answers[0]["prompt"]}


def compare(own, peer, clients: int) -> dict:
    rounds = []
    for n in range(ROUNDS + 1):
        seed = 1000 * clients + n
        pair = (asyncio.run(one_round(own.port, clients, seed)), asyncio.run(one_round(peer.port, clients, seed)))
        if n:  # the first pair warms both up
            rounds.append(pair)
    def row(key):
        return {"quern": round(harness.median(o[key] for o, _ in rounds), 3),
                "llama_server": round(harness.median(p[key] for _, p in rounds), 3),
                "ratio": round(harness.median(o[key] / p[key] for o, p in rounds), 3)}
    return {key: row(key) for key in ("tokens_per_s", "ttft_p50_s", "ttft_max_s")} | {
        "prompt_tokens": rounds[0][0]["prompt_tokens"]}


def main() -> None:
    with harness.quern("--max-running", 8) as own, harness.llama_server("-np", "8", "-c", "16384") as peer:
        figures = {"1 client": compare(own, peer, 1), "8 clients": compare(own, peer, 8)}
        figures["memory_mib"] = {"quern": own.status("VmRSS") // 1024, "llama_server": peer.status("VmRSS") // 1024}
    harness.report("clients", figures | {"rounds": ROUNDS, "new_tokens": NEW_TOKENS})


if __name__ == "__main__":
    main()
