#!/usr/bin/env python3
"""Templates of log lines: grouping accuracy and lines a second, against drain3 with its own defaults.

Accuracy: twelve systems of Loghub 2k, one configuration for all; Drain's published figures (with parameters and
expressions by system) stand beside. `quern` and `drain3` are by the ids that lines had as they came; `quern_learned` by those
that they have once all is learned: the first lines of what is one template later had ids of their own. Speed: a million lines of BGL whose numbers are others each time, through the
real program, processor time with reading and start; drain3 gets a tenth of them, in one process of its own.
"""

import json
import pathlib
import random
import re
import resource
import subprocess
import sys
import tempfile

import harness

sys.path.insert(0, str(harness.ROOT / "tests"))
import logdata  # noqa: E402

PAIRS = 5
LINES = 1_000_000
PEER_LINES = 100_000
PEER = r"""
import json, sys, time
from drain3 import TemplateMiner
from drain3.template_miner_config import TemplateMinerConfig
miner = TemplateMiner(config=TemplateMinerConfig())
lines = open(sys.argv[1], encoding="utf-8").read().splitlines()
start = time.process_time()
ids = [miner.add_log_message(line)["cluster_id"] for line in lines]
print(json.dumps({"s": time.process_time() - start, "ids": ids}))
"""


def groups_of_ours(file: pathlib.Path, folder: pathlib.Path) -> list:
    """Ids as the lines came, and once all is learned."""
    state = folder / "state"
    command = [harness.QUERN, "pipe", "templates", "--lines", "--state", state, file]
    passes = [subprocess.check_output(command, text=True, errors="replace") for _ in range(2)]
    state.unlink()
    return [[line.split("\t")[0] for line in out.splitlines()] for out in passes]


def peer(file: pathlib.Path) -> dict:
    python = harness.where("drain3") / "bin" / "python"
    return json.loads(subprocess.check_output([python, "-c", PEER, file], text=True))


def accuracy(folder: pathlib.Path) -> dict:
    figures = {}
    for system, published in logdata.DRAIN.items():
        file = folder / system
        file.write_text("\n".join(logdata.contents(system)) + "\n")
        truth = [row["EventId"] for row in logdata.rows(system)]
        came, learned = (round(logdata.grouping_accuracy(ids, truth), 4) for ids in groups_of_ours(file, folder))
        figures[system] = {"quern": came, "quern_learned": learned,
                           "drain3": round(logdata.grouping_accuracy(peer(file)["ids"], truth), 4), "drain_published": published}
    return figures


def shuffled(count: int) -> str:
    digits = random.Random(1)
    lines = logdata.contents("BGL")
    return "".join(re.sub(r"\d", lambda _: str(digits.randrange(10)), lines[i % len(lines)]) + "\n" for i in range(count))


def processor_seconds(command: list) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    if not logdata.there():
        sys.exit(f"bench: no logs in {logdata.DATA} (tests/logdata.py says which)")
    subprocess.run([harness.ROOT / "deps" / "drain3.sh"], check=True)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        figures = accuracy(folder)
        (folder / "lines").write_text(shuffled(LINES))
        (folder / "fewer").write_text(shuffled(PEER_LINES))
        pairs = []
        for _ in range(PAIRS):
            ours = LINES / processor_seconds([harness.QUERN, "pipe", "templates", folder / "lines"])
            pairs.append((ours, PEER_LINES / peer(folder / "fewer")["s"]))
            print(f"pair {len(pairs)}: {pairs[-1][0]:.0f} / {pairs[-1][1]:.0f} lines/s", flush=True)
    mean = {who: round(sum(one[who] for one in figures.values()) / len(figures), 4) for who in ("quern", "quern_learned", "drain3", "drain_published")}
    harness.report("mining", {
        "accuracy_mean": mean, "accuracy": figures, "lines_per_cpu_s": round(harness.median(a for a, _ in pairs)),
        "drain3_lines_per_cpu_s": round(harness.median(b for _, b in pairs)),
        "ratio": round(harness.median(a / b for a, b in pairs), 1), "lines": LINES, "pairs": PAIRS}, model=None)


if __name__ == "__main__":
    main()
