#!/usr/bin/env python3
"""Decode of one stream through `import quern`, against llama-cpp-python, which is built from the same llama.cpp source.

Both are asked in one process each, by the same interpreter, for the same raw text with the same weights and threads,
streaming, always the likeliest token. Turns alternate; ratios are taken pair by pair. The peer is built for this very
processor, as pip builds it (deps/llama-cpp-python.sh).

    bench/python.py            the measurement
    bench/python.py SIDE       one side: a line with a number of tokens on stdin, a line of JSON on stdout
"""

import json
import os
import subprocess
import sys
import time

import harness

PAIRS = 16
NEW_TOKENS = 128
CONTEXT = 2048
PROMPT = "Once upon a time, in a small village by the sea, there lived an old miller who"
PYTHON = harness.where("llama-cpp-python") / "bin" / "python"


def quern():
    import quern as package

    llm = package.load(harness.MODEL, threads=harness.THREADS, context_tokens=CONTEXT)

    def ask(tokens: int):
        stream = llm.complete(PROMPT, max_tokens=tokens, temperature=0)
        yield from stream
        return stream.reply.usage.completion_tokens

    return ask


def llama_cpp_python():
    from llama_cpp import Llama

    llm = Llama(str(harness.MODEL), n_threads=harness.THREADS, n_threads_batch=harness.THREADS, n_ctx=CONTEXT, verbose=False)

    def ask(tokens: int):
        count = 0
        for chunk in llm.create_completion(PROMPT, max_tokens=tokens, temperature=0, stream=True):
            if chunk["choices"][0]["finish_reason"] is None:
                count += 1  # one chunk a token
                yield chunk["choices"][0]["text"]
        return count

    return ask


SIDES = {"quern": quern, "llama_cpp_python": llama_cpp_python}


def measure(ask, tokens: int) -> dict:
    first = last = None
    text, answer = [], ask(tokens)
    while True:
        try:
            text.append(next(answer))
        except StopIteration as end:
            return {"decode": (end.value - 1) / (last - first), "tokens": end.value, "text": "".join(text)}
        last = time.perf_counter()
        first = first or last


def serve(side: str) -> None:
    ask = SIDES[side]()
    for line in sys.stdin:
        print(json.dumps(measure(ask, int(line))), flush=True)


class Side:
    def __init__(self, name: str):
        environment = {**os.environ, "QUERN_LIBRARY": str(harness.BUILD / "lib" / "libquern.so"),
                       "PYTHONPATH": str(harness.ROOT / "sdk" / "python")}
        self.process = subprocess.Popen([PYTHON, __file__, name], env=environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, tokens: int) -> dict:
        time.sleep(0.3)  # threads of the last turn spin a little before they sleep
        self.process.stdin.write(f"{tokens}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        return json.loads(line) if line else sys.exit("a side ended before its turn was over")


def main() -> None:
    subprocess.run([harness.ROOT / "deps" / "llama-cpp-python.sh"], check=True)
    ours, peer = Side("quern"), Side("llama_cpp_python")
    for side in (ours, peer):
        side.ask(16)  # warm-up
    pairs = []
    for n in range(1, PAIRS + 1):
        turns = [ours, peer] if n % 2 else [peer, ours]
        results = {side: side.ask(NEW_TOKENS) for side in turns}
        pairs.append((results[ours], results[peer]))
        print(f"pair {n}: {results[ours]['decode']:.1f} / {results[peer]['decode']:.1f} tokens/s", flush=True)
    for result in pairs[-1]:
        if result["tokens"] < NEW_TOKENS // 2:
            sys.exit(f"only {result['tokens']} tokens came: {result['text']!r}")
    harness.report("python", {"decode": {
        "quern": round(harness.median(o["decode"] for o, _ in pairs), 1),
        "llama_cpp_python": round(harness.median(p["decode"] for _, p in pairs), 1),
        "ratio": round(harness.median(o["decode"] / p["decode"] for o, p in pairs), 3)},
        "new_tokens": [result["tokens"] for result in pairs[-1]], "pairs": PAIRS})


if __name__ == "__main__":
    serve(sys.argv[1]) if len(sys.argv) > 1 else main()
