#!/usr/bin/env python3
"""A log pipeline without filters, tail to null, in records per processor second; beside Fluent Bit where it is.

QUERN_FLUENT_BIT names Fluent Bit's program; without it its columns are missing, and the bench says so. Both read the same
file of BGL's lines from its head, and all their processor time counts, start and end included.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import harness

sys.path[:0] = [str(harness.ROOT / "tests"), str(harness.ROOT / "tests" / "e2e")]
os.environ.setdefault("QUERN_BUILD", str(harness.BUILD))
import logdata  # noqa: E402
from pipelines import Pipeline, wait_until  # noqa: E402

LINES = 1_000_000
PAIRS = 5
FLUENT_BIT = os.environ.get("QUERN_FLUENT_BIT")


def write_lines(path: pathlib.Path, lines: int) -> None:
    """BGL's 2,000 lines as its machine wrote them, over and over."""
    raw = [line for line in (logdata.DATA / "loghub" / "BGL_2k.log").read_text(errors="replace").splitlines() if line]
    block = "\n".join(raw) + "\n"
    with open(path, "w", encoding="utf-8") as file:
        for _ in range(lines // len(raw)):
            file.write(block)


def count_lines(path: pathlib.Path) -> int:
    return int(subprocess.check_output(["wc", "-l", path]).split()[0])


def seconds_of(process) -> float:
    """Processor seconds of a child that is over."""
    _, _, usage = os.wait4(process.pid, 0)
    return usage.ru_utime + usage.ru_stime


def ours(log: pathlib.Path, lines: int, filters: str = "", buffer: str = 'type = "memory"') -> float:
    """Records per processor second."""
    text = f"""
[[input]]
name = "in"
type = "tail"
path = "{log}"
read_from_head = true
{filters}
[[output]]
name = "out"
type = "null"
buffer = {{ {buffer} }}
"""
    with tempfile.TemporaryDirectory() as folder:
        pipeline = Pipeline(pathlib.Path(folder), text)
        wait_until(lambda: pipeline.stage("out")["records_out"] >= lines, 600, 0.05)
        pipeline.process.terminate()
        seconds = seconds_of(pipeline.process)
        pipeline.process.returncode = 0
        return lines / seconds


def fluent_bit(log: pathlib.Path, lines: int, filters=()) -> float:
    command = [FLUENT_BIT, "-q", "-f", "1", "-i", "tail", "-p", f"path={log}", "-p", "read_from_head=true", "-p", "exit_on_eof=true",
               *filters, "-o", "null", "-m", "*"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return lines / seconds_of(process)


def compare(log: pathlib.Path, lines: int, filters: str = "", theirs=()) -> dict:
    mine, peer = [], []
    for _ in range(PAIRS):
        mine.append(ours(log, lines, filters))
        if FLUENT_BIT:
            peer.append(fluent_bit(log, lines, theirs))
    figures = {"records_per_cpu_s": round(harness.median(mine))}
    if FLUENT_BIT:
        figures["fluent_bit_records_per_cpu_s"] = round(harness.median(peer))
        figures["ratio"] = round(harness.median(a / b for a, b in zip(mine, peer)), 2)
    return figures


def main() -> None:
    if not logdata.there():
        sys.exit("no log data: QUERN_LOG_DATA")
    if not FLUENT_BIT:
        print("Fluent Bit is not here (QUERN_FLUENT_BIT): no peer beside our figures", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / "bgl.log"
        write_lines(log, LINES)
        lines = count_lines(log)
        figures = {"lines": lines, "bytes_per_line": round(log.stat().st_size / lines),
                   "tail_to_null": compare(log, lines),
                   "tail_to_null_through_disk": {"records_per_cpu_s": round(harness.median(
                       [ours(log, lines, buffer='type = "disk"') for _ in range(PAIRS)]))}}
    harness.report("pipeline", figures, model=None)


if __name__ == "__main__":
    main()
