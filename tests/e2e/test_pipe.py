"""`quern pipe`: logs from outside."""

import json
import pathlib
import signal
import subprocess
import sys

import pytest

import quern

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import logdata  # noqa: E402

LINES = "".join(f"session opened for user {name} by (uid={i})\n" for i, name in enumerate(["root", "cyrus", "news"]))


def templates(*words, given=""):
    return subprocess.run([quern.binary(), "pipe", "templates", *map(str, words)], input=given.encode(), capture_output=True, timeout=60)


def ids(done) -> list:
    return [line.split(b"\t")[0] for line in done.stdout.splitlines()]


def test_lines_become_templates_the_most_frequent_first():
    done = templates(given="rare event\n" + LINES)
    assert done.stdout.decode().splitlines() == [
        "   COUNT     ID  TEMPLATE",
        "       3      2  session opened for user <*> by (uid=<*>)",
        "       1      1  rare event"]


def test_json(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"caf\xe9 \x1b[31m open\n" + LINES.encode())
    answer = json.loads(templates("--json", log).stdout)
    assert [(one["id"], one["count"]) for one in answer["templates"]] == [(2, 3), (1, 1)]


def test_ids_are_kept_across_runs(tmp_path):
    state = tmp_path / "known"
    assert ids(templates("--lines", "--state", state, given=LINES)) == [b"1", b"1", b"1"]
    assert ids(templates("--lines", "--state", state, given="something new\n" + LINES)) == [b"3", b"1", b"1", b"1"], "2 became part of 1"
    assert [one["count"] for one in json.loads(templates("--json", "--state", state).stdout)["templates"]] == [6, 1]


def test_what_was_learned_is_kept_when_it_is_stopped(tmp_path):
    state = tmp_path / "known"
    process = subprocess.Popen([quern.binary(), "pipe", "templates", "--lines", "--state", state], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    process.stdin.write(LINES.encode())
    process.stdin.flush()
    assert [process.stdout.readline().split(b"\t")[0] for _ in range(3)] == [b"1", b"1", b"1"]
    process.send_signal(signal.SIGINT)
    process.wait(timeout=30)
    process.stdin.close()
    assert ids(templates("--lines", "--state", state, given=LINES)) == [b"1", b"1", b"1"]


def test_errors_say_which_file(tmp_path):
    gone = templates(tmp_path / "gone.log")
    assert gone.returncode != 0 and b"gone.log" in gone.stderr and b"No such file" in gone.stderr
    state = tmp_path / "state"
    state.write_text("not a state\n")
    wrong = templates("--state", state, given=LINES)
    assert wrong.returncode != 0 and b"state" in wrong.stderr and b"quern-templates 1" in wrong.stderr
    assert state.read_text() == "not a state\n"


@pytest.mark.skipif(not logdata.there(), reason=f"no Loghub logs in {logdata.DATA} (tests/logdata.py)")
def test_templates_of_twelve_systems(tmp_path):
    accuracy = {}
    for system in logdata.DRAIN:
        file, state = tmp_path / system, tmp_path / f"{system}.state"
        file.write_text("\n".join(logdata.contents(system)) + "\n")
        templates("--state", state, file)
        known = ids(templates("--lines", "--state", state, file))
        accuracy[system] = logdata.grouping_accuracy(known, [row["EventId"] for row in logdata.rows(system)])
    assert sum(accuracy.values()) / len(accuracy) >= 0.96, accuracy
    assert {s: a for s, a in accuracy.items() if a < logdata.DRAIN[s] - 0.01} == {}
