"""Logs with known templates, for tests and benches: Loghub 2k (https://github.com/logpai/loghub), free for research.

They are not part of the repository. QUERN_LOG_DATA says where they lie; otherwise they are looked for beside the
checkout, in shared/data. Who needs them and finds none says so.
"""

import collections
import csv
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = pathlib.Path(os.environ.get("QUERN_LOG_DATA", ROOT.parent / "shared" / "data"))
# Grouping accuracy of Drain with its parameters by system, as published (logparser's benchmark).
DRAIN = {"HDFS": 0.9975, "Hadoop": 0.9475, "Spark": 0.92, "Zookeeper": 0.9665, "BGL": 0.9625, "Thunderbird": 0.955,
         "Linux": 0.69, "Android": 0.911, "Apache": 1.0, "OpenSSH": 0.7875, "OpenStack": 0.7325, "Mac": 0.7865}


def there() -> bool:
    return (DATA / "loghub").is_dir()


def rows(system: str) -> list:
    with open(DATA / "loghub" / f"{system}_2k.log_structured.csv", encoding="utf-8", errors="replace", newline="") as file:
        return list(csv.DictReader(file))


def contents(system: str) -> list:
    return [row["Content"].replace("\n", " ") for row in rows(system)]


def grouping_accuracy(predicted: list, truth: list) -> float:
    """The share of lines whose group holds exactly the lines that its true template has."""
    def groups(labels):
        found = collections.defaultdict(list)
        for line, label in enumerate(labels):
            found[label].append(line)
        return {tuple(lines) for lines in found.values()}

    assert len(predicted) == len(truth)
    return sum(len(lines) for lines in groups(predicted) & groups(truth)) / len(truth)
