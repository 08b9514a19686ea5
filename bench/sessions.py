#!/usr/bin/env python3
"""Abnormal sessions of the Hadoop file system, found without a model, by how often a session has each template.

The order of time is kept: the first half of the normal sessions is learned, the second half and all abnormal ones are
judged. The data holds far more abnormal sessions than a real system has (2.9 of 100 there, Xu et al. 2009), and F1
depends on that share: it is given as the data has it and as a real system has it. Beside it: published scores, on the full
log, of others (logdeep: DeepLog 0.945, LogAnomaly 0.976, LogRobust 0.940).
"""

import json
import subprocess
import sys

import harness

sys.path.insert(0, str(harness.ROOT / "tests"))
import logdata  # noqa: E402

REAL_SHARE = 16_838 / 575_061  # abnormal sessions of the full log


def f1(found: float, missed: float, false_alarms: float) -> float:
    return round(2 * found / (2 * found + missed + false_alarms), 4)


def figures(percent: int) -> dict:
    folder = logdata.DATA / "hdfs_sessions"
    tool = harness.BUILD / "src/mining/sessions_bench"
    seen = json.loads(subprocess.check_output([tool, folder / "hdfs_train", folder / "hdfs_test_abnormal", str(percent)]))
    recall, alarms = seen["found"] / seen["abnormal"], seen["false_alarms"] / seen["normal"]
    seen["f1"] = f1(seen["found"], seen["abnormal"] - seen["found"], seen["false_alarms"])
    seen["f1_at_real_share"] = f1(recall * REAL_SHARE, (1 - recall) * REAL_SHARE, alarms * (1 - REAL_SHARE))
    return seen


def main() -> None:
    if not (logdata.DATA / "hdfs_sessions").is_dir():
        sys.exit(f"bench: no sessions in {logdata.DATA} (tests/logdata.py says which)")
    subprocess.run(["ninja", "-C", harness.BUILD, "sessions_bench"], check=True, stdout=subprocess.DEVNULL)
    harness.report("sessions", {"learned_half": figures(50), "learned_four_fifths": figures(80)}, model=None)


if __name__ == "__main__":
    main()
