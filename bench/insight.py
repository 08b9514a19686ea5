#!/usr/bin/env python3
"""What the filter `insight` asks the model about 2,000 lines of Blue Gene/L, what its verdicts are worth, what leaves it.

The real filter, with parameters and times, 143 of the lines labelled as alerts. `verdicts_of_labels`: the model's place is
taken by one that is always right about the line it is asked about; the verdict holds for its template from then on. `asked_at`
says from which severity on a new template is asked about. `small_model`: local weights answer, greedily and without examples, as good as they are. `shipped`: the same
lines a hundred times, later each time, 100 or 1,000 a second, with ship = "verdicts"; a labelled line is found when the counts of its window call
it unusual. Rules for severity are off: they would find every FATAL line (`fatal_alone` is what that is worth).
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import harness

sys.path.insert(0, str(harness.ROOT / "tests"))
import logdata  # noqa: E402

KEYS = 'alarm_at = "none"\ntokens_per_minute = 1000000000\ntokens_per_day = 1000000000\nqueue = 10000\nwait = "600s"\ndeadline = "600s"\n'
MODELS = ["smollm2-135m-instruct", "gemma-3-270m"]


def scores(found: int, missed: int, false_alarms: int) -> dict:
    return {"f1": round(2 * found / max(1, 2 * found + missed + false_alarms), 4), "found": found, "missed": missed,
            "false_alarms": false_alarms}


def tool(file: pathlib.Path, keys: str, judge, repeats: int = 1, a_second: int = 100) -> dict:
    told = json.loads(subprocess.check_output(
        [harness.BUILD / "src/insight/insight_bench", file, KEYS + keys, judge, str(repeats), str(a_second)]))
    return {"calls": told["calls"], "failures": told["failures"], "tokens": told["tokens"],
            **scores(told["found"], told["alerts"] - told["found"], told["false_alarms"]), "told": told}


def asked(file: pathlib.Path, severity: str) -> dict:
    seen = tool(file, f'ask_at = "{severity}"', "labels")
    del seen["told"], seen["tokens"], seen["failures"]
    return seen


def shipped(file: pathlib.Path, a_second: int) -> dict:
    told = tool(file, 'ship = "verdicts"', "labels", 100, a_second)["told"]
    return {"lines": told["lines"], "recall": round(told["found"] / told["alerts"], 4), "false_alarms": told["false_alarms"],
            "calls": told["calls"], "bytes_in": told["bytes_in"], "bytes_out": told["bytes_out"],
            "less_percent": round(100 * (1 - told["bytes_out"] / told["bytes_in"]), 2),
            "lines_per_cpu_s": round(told["lines"] / told["cpu_s"])}


def small_model(file: pathlib.Path, name: str) -> dict:
    weights = harness.where("models") / f"{name}.gguf"
    if not weights.exists():
        return {"skipped": "no weights"}
    seen = tool(file, 'ask_at = "critical"', weights)
    seen["cpu_s_per_call"] = round(seen.pop("told")["cpu_s"] / max(1, seen["calls"]), 2)
    return seen


def main() -> None:
    if not logdata.there():
        sys.exit(f"bench: no logs in {logdata.DATA} (tests/logdata.py says which)")
    subprocess.run(["ninja", "-C", harness.BUILD, "insight_bench"], check=True, stdout=subprocess.DEVNULL)
    rows = logdata.rows("BGL")
    with tempfile.TemporaryDirectory() as name:
        file = pathlib.Path(name) / "lines"
        file.write_text("".join("\t".join([row["Label"], row["Timestamp"], row["Level"], row["Node"], row["Component"],
                                           row["Content"].replace("\n", " ")]) + "\n" for row in rows))
        fatal = [(row["Level"] == "FATAL", row["Label"] != "-") for row in rows]
        figures = {
            "lines": len(rows),
            "verdicts_of_labels": {f"asked_at_{severity}": asked(file, severity) for severity in ("critical", "warning", "debug")},
            "fatal_alone": scores(sum(a and b for a, b in fatal), sum(b and not a for a, b in fatal),
                                  sum(a and not b for a, b in fatal)),
            "shipped": {f"at_{rate}_lines_a_second": shipped(file, rate) for rate in (100, 1000)},
            "small_model": {model: small_model(file, model) for model in MODELS}}
        harness.report("insight", figures, model=None)


if __name__ == "__main__":
    main()
