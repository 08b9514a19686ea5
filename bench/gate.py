#!/usr/bin/env python3
"""Which lines of BGL ask for a verdict, and what verdicts by template are worth, when each is right about its line.

2,000 lines of Blue Gene/L in their order, 143 of them labelled as alerts. A verdict is taken from the label of the line that
asked, and holds for its template from then on: what a model would reach that is always right. Beside it: asking for
every template, and the severity FATAL alone.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import harness

sys.path.insert(0, str(harness.ROOT / "tests"))
import logdata  # noqa: E402

SEVERITIES = {"FATAL": 2, "FAILURE": 1, "SEVERE": 3, "ERROR": 3, "WARNING": 4, "INFO": 6}
WARNING, DEBUG = 4, 7


def scores(found: int, missed: int, false_alarms: int) -> dict:
    return {"f1": round(2 * found / (2 * found + missed + false_alarms), 4), "found": found, "missed": missed,
            "false_alarms": false_alarms}


def gate(file: pathlib.Path, at_least: int) -> dict:
    told = json.loads(subprocess.check_output([harness.BUILD / "src/mining/gate_bench", file, str(at_least)]))
    return {"calls": told["calls"], **scores(told["found"], told["missed"], told["false_alarms"])}


def main() -> None:
    if not logdata.there():
        sys.exit(f"bench: no logs in {logdata.DATA} (tests/logdata.py says which)")
    subprocess.run(["ninja", "-C", harness.BUILD, "gate_bench"], check=True, stdout=subprocess.DEVNULL)
    rows = logdata.rows("BGL")
    with tempfile.TemporaryDirectory() as name:
        file = pathlib.Path(name) / "lines"
        file.write_text("".join(f"{SEVERITIES[row['Level']]}\t{row['Label']}\t{row['Content']}\n" for row in rows))
        fatal = [(row["Level"] == "FATAL", row["Label"] != "-") for row in rows]
        harness.report("gate", {
            "lines": len(rows), "warning_or_worse": gate(file, WARNING), "every_template": gate(file, DEBUG),
            "fatal_alone": scores(sum(a and b for a, b in fatal), sum(b and not a for a, b in fatal),
                                  sum(a and not b for a, b in fatal))}, model=None)


if __name__ == "__main__":
    main()
