"""Filters of one's own in a pipeline: the same filter in each language, begun by `quern new`, built by the language's own
tool, run by `quern pipe`. Same samples, same checks; and what a person sees when one is wrong."""

import json
import os
import pathlib
import socket
import subprocess

import pytest
import quern
from build import Missing, project, where
from pipelines import Pipeline, wait_until

LANGUAGES = ["cpp", "go", "js", "python", "rust"]
SCRIPT = [{"when": "be busy", "error": "resource_exhausted", "message": "the queue is full"}, {"say": ["star", "tup"]}]


@pytest.fixture(scope="module", params=LANGUAGES)
def component(request):
    """The filter of a fresh project. Skips, naming what is missing, where it cannot be built."""
    try:
        return project(quern.binary(), request.param, "filter")
    except Missing as missing:
        pytest.skip(f"NOT TESTED: {request.param} filter: {missing}")


@pytest.fixture
def pipe_test(tmp_path, home):
    """pipe_test(component, samples, more): runs samples, each (records, expected records), through the filter."""

    def run(component, samples, more="", model=""):
        tests = "".join(f"[[test]]\nname = \"{i}\"\nrecords = {json.dumps([json.dumps(r) for r in given])}\n"
                        f"expect = {json.dumps([json.dumps(r) for r in expected])}\n"
                        for i, (given, expected) in enumerate(samples))
        (tmp_path / "script.json").write_text(json.dumps(SCRIPT))
        (tmp_path / "pipe.toml").write_text(
            f"{model}\n[[input]]\nname = \"in\"\ntype = \"stdin\"\n"
            f"[[filter]]\nname = \"mine\"\ntype = \"component\"\nfile = \"{component}\"\nmemory = \"256 MiB\"\n"
            f"time = \"10s\"\n{more}\n[[output]]\nname = \"out\"\ntype = \"null\"\nmatch = \"*\"\n{tests}")
        return quern.quern("pipe", "test", tmp_path / "pipe.toml", home=home)

    return run


FAKE = '[model]\nfake = "script.json"'
ASKS = 'config = { ask = "true" }\nmodels = ["fake"]'


def test_the_same_filter_does_the_same(component, pipe_test):
    odd = {"log": "Grüße 🌍 \"quoted\" \\ \u0001", "n": 12345678901234, "f": 0.5, "none": None, "deep": {"a": [1, {"b": True}]}}
    ended = pipe_test(component, [
        ([{"level": "debug", "log": "noise"}, {"level": "info", "log": "started"}], [{"level": "info", "log": "started", "by": "app"}]),
        ([{"host": "a", "items": [1, "two", {"x": 3}]}], [{"host": "a", "item": item, "by": "app"} for item in (1, "two", {"x": 3})]),
        ([{"items": []}], []),
        ([odd], [{**odd, "by": "app"}]),
        ([{"n": i} for i in range(1000)], [{"n": i, "by": "app"} for i in range(1000)]),
    ])
    assert (ended.code, ended.out.count("ok ")) == (0, 5), ended.out + ended.err


def test_it_asks_the_model_for_a_word(component, pipe_test):
    ended = pipe_test(component, [([{"log": "booting"}], [{"log": "booting", "by": "app", "word": "startup"}])], ASKS, FAKE)
    assert ended.code == 0, ended.out + ended.err


def test_an_error_of_the_model_is_a_dead_letter(component, pipe_test):
    """Not a record without its word, and not the next one's matter."""
    ended = pipe_test(component, [([{"log": "be busy"}, {"log": "x"}], [{"log": "x", "by": "app", "word": "startup"}])], ASKS, FAKE)
    assert ended.code == 0, ended.out + ended.err


@pytest.mark.parametrize("more,said", [
    ('config = { aks = "true" }', "there is no option aks; there is ask"),
    ('config = { ask = "true" }', 'models = ["default"]'),
    (ASKS, "no [model]"),
])
def test_what_is_wrong_is_said_at_the_start(component, pipe_test, more, said):
    ended = pipe_test(component, [([{}], [])], more)
    assert ended.code == 2 and said in ended.err, ended
    assert "pipe.toml:" in ended.err


def test_its_own_numbers_are_on_the_metrics(component, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(where("cache") / "e2e"))  # compiling an interpreter takes half a minute
    log = tmp_path / "app.log"
    log.write_text("".join(json.dumps({"level": "debug" if i % 2 else "info", "n": i}) + "\n" for i in range(100)))
    text = f"""
[[input]]
name = "in"
type = "tail"
path = "{log}"
read_from_head = true
parser = "lines"
[[filter]]
name = "mine"
type = "component"
file = "{component}"
memory = "256 MiB"
time = "10s"
[[parser]]
name = "lines"
type = "json"
[[output]]
name = "out"
type = "null"
match = "*"
"""
    with Pipeline(tmp_path, text) as running:
        wait_until(lambda: running.stage("mine")["records_in"] == 100)
        metrics = running.call("/metrics")
        assert 'quern_pipe_filter_debug_lines_total{' in metrics, metrics
        line = next(line for line in metrics.splitlines() if line.startswith("quern_pipe_filter_debug_lines_total{"))
        assert float(line.split()[-1]) == 50
        assert running.stage("mine")["dropped"] == 50


def test_the_samples_of_a_fresh_project_pass(component, tmp_path, home):
    language = next(language for language in LANGUAGES if f"projects-{language}-" in str(component))
    begun = quern.quern("new", "--lang", language, "--kind", "filter", "app", home=tmp_path)
    assert begun.code == 0 and begun.out.rstrip().endswith("quern pipe test pipe.toml"), begun
    (tmp_path / "app" / "app.wasm").write_bytes(component.read_bytes())
    ended = quern.quern("pipe", "test", tmp_path / "app" / "pipe.toml", home=home)
    assert (ended.code, ended.out.count("ok ")) == (0, 2), ended.out + ended.err


def test_a_stop_ends_a_start_that_waits_for_a_model(tmp_path, home):
    """The hub takes the question and never answers; SIGTERM ends the program in order all the same."""
    guest = pathlib.Path(os.environ["QUERN_BUILD"]).resolve() / "guests" / "hostile" / "log_filter.wasm"
    if not guest.exists():
        pytest.skip(f"NOT TESTED: {guest} is not built")
    file = tmp_path / "pipe.toml"
    file.write_text(f'[model]\nnames = ["hub:owner/name"]\n[[input]]\nname = "in"\ntype = "dummy"\n'
                    f'[[filter]]\nname = "mine"\ntype = "component"\nfile = "{guest}"\nmodels = ["name"]\n'
                    f'[[output]]\nname = "out"\ntype = "null"\n')
    with socket.create_server(("127.0.0.1", 0)) as hub:
        hub.settimeout(quern.PATIENCE_S)
        where_it_is = f"http://127.0.0.1:{hub.getsockname()[1]}"
        running = subprocess.Popen([quern.binary(), "pipe", file], env=quern.environment(home, HF_ENDPOINT=where_it_is),
                                   stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            with hub.accept()[0]:
                running.terminate()
                _, said = running.communicate(timeout=quern.PATIENCE_S)
        finally:
            running.kill()
    assert running.returncode == 0, said
