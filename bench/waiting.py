#!/usr/bin/env python3
"""What 200 guests cost that wait on the model at once: memory over the idle engine, threads added.

200 clients each ask for a streamed answer; the engine decodes 16 of them at a time, so that most
guests wait, each as a suspended fiber in its own instance.
"""

import asyncio

import harness

GUESTS = 200


async def measure(server: harness.Server) -> dict:
    body = {"max_tokens": 32, "temperature": 0, "messages": [{"role": "user", "content": "Tell a long story."}]}
    await harness.stream_chat(server.port, body)
    idle, threads = server.status("VmRSS"), server.status("Threads")
    tasks = [asyncio.create_task(harness.stream_chat(server.port, body)) for _ in range(GUESTS)]
    peak = most = 0
    while not all(t.done() for t in tasks):
        peak, most = max(peak, server.status("VmRSS")), max(most, server.status("Threads"))
        await asyncio.sleep(0.05)
    answers = [t.result() for t in tasks]
    return {"guests": GUESTS, "answered": sum(a["tokens"] > 0 for a in answers),
            "memory_over_idle_mib": round((peak - idle) / 1024, 1), "threads_added": most - threads,
            "idle_mib": idle // 1024, "threads": threads}


def main() -> None:
    with harness.quern() as server:
        harness.report("waiting", asyncio.run(measure(server)))


if __name__ == "__main__":
    main()
