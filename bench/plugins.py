#!/usr/bin/env python3
"""The same wasm filters on the same lines, tail to null, in records per processor second; beside Fluent Bit where it is.

QUERN_FLUENT_BIT names Fluent Bit's program; without it its columns are missing, and the bench says so. It gets the stack that
Go's guests need there (1 MiB), and a heap in which a record of BGL fits many times. QUERN_FLUENT_BIT_PLUGINS names a folder with
Fluent Bit's own test plugins: append_tag.wasm, made with TinyGo, is measured as well. Then the healthy pipeline beside a plugin that
loops, leaks or crashes: its rate, against its rate alone.
"""

import os
import pathlib
import sys
import tempfile
import time

import harness
import pipeline

sys.path[:0] = [str(harness.ROOT / "tests" / "guests")]
import build  # noqa: E402

# So many that the start of a program (a compiled module among it) does not show.
FILTERS = [("rust", "rust_add", 1_000_000), ("go", "go_add", 100_000), ("rust", "rust_pass", 1_000_000)]
BESIDE_LINES = 2_000_000
BAD = ["rust_loop", "rust_leak", "rust_crash"]


def modules():
    """Name, file, function and how many lines."""
    for language, function, lines in FILTERS:
        try:
            yield function, build.build(f"filters/{language}"), function, lines
        except build.Missing as missing:
            print(f"{function}: not measured: {missing}", file=sys.stderr)
    folder = os.environ.get("QUERN_FLUENT_BIT_PLUGINS")
    if folder:
        yield "tinygo_append_tag", pathlib.Path(folder) / "append_tag.wasm", "filter_append_tag", 200_000
    else:
        print("TinyGo's plugin is not here (QUERN_FLUENT_BIT_PLUGINS)", file=sys.stderr)


def table(module: pathlib.Path, function: str, match: str = "*", more: str = "") -> str:
    return f'[[filter]]\nname = "{function}"\ntype = "wasm"\nmatch = "{match}"\nwasm_path = "{module}"\nfunction_name = "{function}"\n{more}\n'


def theirs(module: pathlib.Path, function: str) -> list[str]:
    return ["-F", "wasm", "-p", f"wasm_path={module}", "-p", f"function_name={function}", "-p", "wasm_heap_size=1M", "-p",
            "wasm_stack_size=1M", "-m", "*"]


def seconds_to_drain(log: pathlib.Path, lines: int, beside: str) -> float:
    """Wall seconds in which a healthy input comes to its end, with what `beside` says in the same pipeline."""
    text = f"""
[[input]]
name = "in"
type = "tail"
path = "{log}"
tag = "healthy"
read_from_head = true
{beside}
[[output]]
name = "out"
type = "null"
match = "healthy"
buffer = {{ type = "memory" }}
[[output]]
name = "others"
type = "null"
match = "bad"
buffer = {{ type = "memory" }}
"""
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        running = pipeline.Pipeline(pathlib.Path(folder), text)
        pipeline.wait_until(lambda: running.stage("out")["records_out"] >= lines, 600, 0.02)
        seconds = time.monotonic() - began
        running.kill()
        return seconds


def beside_bad_ones(log: pathlib.Path, lines: int, rust: pathlib.Path) -> dict:
    """The other input reads lines of its own, few at a time, through the bad plugin."""
    with tempfile.TemporaryDirectory() as folder:
        other = pathlib.Path(folder) / "bad.log"
        pipeline.write_lines(other, 20_000)
        figures, alone, rates = {}, [], {function: [] for function in BAD}
        for _ in range(pipeline.PAIRS):
            alone.append(seconds_to_drain(log, lines, ""))
            for function in BAD:
                bad = f'[[input]]\nname = "bad"\ntype = "tail"\npath = "{other}"\ntag = "bad"\nread_from_head = true\n'
                bad += table(rust, function, "bad", 'memory = "16 MiB"')
                rates[function].append(alone[-1] / seconds_to_drain(log, lines, bad))
        figures["alone_s"] = round(harness.median(alone), 2)
        return figures | {function: round(harness.median(rate), 2) for function, rate in rates.items()}


def main() -> None:
    if not pipeline.logdata.there():
        sys.exit("no log data: QUERN_LOG_DATA")
    if not pipeline.FLUENT_BIT:
        print("Fluent Bit is not here (QUERN_FLUENT_BIT): no peer beside our figures", file=sys.stderr)
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / "bgl.log"
        for name, module, function, wanted in modules():
            pipeline.write_lines(log, wanted)
            lines = pipeline.count_lines(log)
            compared = pipeline.compare(log, lines, table(module, function), theirs(module, function))
            figures[name] = {"lines": lines} | compared
            print(name, figures[name], file=sys.stderr)
        pipeline.write_lines(log, BESIDE_LINES)
        figures["rate_beside"] = beside_bad_ones(log, pipeline.count_lines(log), build.build("filters/rust"))
    harness.report("plugins", figures, model=None)


if __name__ == "__main__":
    main()
