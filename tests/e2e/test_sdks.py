"""`quern new`, and the SDKs that its projects carry: the same service and the same command in each language, begun by the
program itself, built by the language's own tool and run by the program. Same requests, same checks."""

import json
import time

import pytest
import quern
from build import Missing, project
from wire import Wire, ask

LANGUAGES = ["cpp", "go", "js", "python", "rust"]

SCRIPT = [
    {"when": "in pieces", "say": ['{"sentiment": ', '"positive", ', '"confidence": 90, ', '"reason": "It', ' is so."}'], "delay_ms": 50},
    {"when": "for ever", "say": [f"word {i} " for i in range(3000)], "delay_ms": 50},
    {"when": "one sentence", "say": ["First one. ", *(f"word {i} " for i in range(3000))], "delay_ms": 50},
    {"when": "be busy", "error": "resource_exhausted", "message": "the queue is full"},
    {"when": "stop halfway", "say": ['{"sentiment": ', '"neutral", '], "error": "internal", "message": "as the script says", "delay_ms": 50},
    {"when": "never mind the form", "say": ["this is no JSON"]},
    {"when": " in UTC", "say": ["I looked: ", "it is time."]},
    {"when": "look at the clock", "call": {"name": "clock", "arguments": "{\"zone\":\"UTC\"}"}},
    {"say": ["Hello", " from", " the", " script", "."]},
]


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    file = tmp_path_factory.mktemp("script") / "script.json"
    file.write_text(json.dumps(SCRIPT))
    return file


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """built("rust", "http"): the wasm file of a fresh project. Skips, naming what is missing, where it cannot be built."""

    def get(language: str, kind: str):
        try:
            return project(quern.binary(), language, kind)
        except Missing as missing:
            pytest.skip(f"NOT TESTED: {language} {kind}: {missing}")

    return get


@pytest.fixture(scope="module", params=LANGUAGES)
def service(request, built, home, answers):
    """The service with the model that says what SCRIPT says."""
    with quern.Server("serve", "--fake-model", answers, built(request.param, "http"), home=home) as server:
        yield server


@pytest.fixture(scope="module", params=LANGUAGES)
def command(request, built):
    return built(request.param, "command")


# ---- the service --------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_model_with_weights_answers_in_the_form_of_the_type(built, home, smollm2, language):
    with quern.Server("serve", "--model", smollm2, "--ctx-size", "2048", "--threads", "1", built(language, "http"), home=home) as server:
        for text in ("The soup was cold, and nobody was sorry.", "What a lovely morning! Grüße 🌍"):
            answer = ask(server.port, "POST", "/", text.encode())
            assert (answer.status, answer.header("content-type")) == (200, "application/json"), answer.body
            verdict = answer.json()
            assert list(verdict) == ["sentiment", "confidence", "reason"]
            assert verdict["sentiment"] in ("positive", "neutral", "negative")
            assert type(verdict["confidence"]) is int and 0 <= verdict["confidence"] <= 100
            assert 0 < len(verdict["reason"]) <= 120
            # What the program made of it: it read the JSON into its own type.
            assert f"{verdict['sentiment']}, {verdict['confidence']} %, " in server.log().lower()


def test_an_answer_arrives_as_it_is_written(service):
    with Wire(service.port) as wire:
        wire.request("POST", "/", b"in pieces")
        assert wire.head().status == 200
        chunks = list(wire.chunks())
    assert json.loads(b"".join(chunks)) == {"sentiment": "positive", "confidence": 90, "reason": "It is so."}
    assert len(chunks) > 1
    assert "positive, 90 %, " in service.log().lower()


@pytest.mark.parametrize("method,body,status", [
    ("GET", None, 405), ("POST", b"", 400), ("POST", b" \n ", 400), ("POST", b"\xff\xfe", 400), ("POST", b"a" * 70_000, 413),
    ("POST", b"be busy", 503),
])
def test_what_cannot_be_answered_is_refused_in_words(service, method, body, status):
    answer = ask(service.port, method, "/", body)
    assert answer.status == status, answer.body
    assert answer.header("content-type") == "application/json" and len(answer.json()["error"]) > 10


def test_an_answer_that_breaks_off_is_no_whole_answer(service):
    assert broke_off(service, b"stop halfway")
    assert "as the script says" in service.log()


def test_an_answer_of_another_form_is_not_taken_for_one(service):
    assert broke_off(service, b"never mind the form")


def broke_off(service, text: bytes) -> bool:
    """The connection ends inside the answer; or nothing of it was sent yet, and the host answers in the guest's place."""
    with Wire(service.port) as wire:
        wire.request("POST", "/", text)
        if wire.head().status == 500:
            return True
        try:
            list(wire.chunks())
        except (ConnectionError, ValueError):
            return True
    return False


def test_a_client_that_leaves_ends_the_answer(service):
    for _ in range(3):
        with Wire(service.port) as wire:
            wire.request("POST", "/", b"for ever")
            assert wire.head().status == 200
            next(wire.chunks())
    end = time.monotonic() + quern.PATIENCE_S
    while running(service) > 0:
        assert time.monotonic() < end, "somebody who left is still answered"
        time.sleep(0.05)


def running(service) -> float:
    for line in ask(service.port, "GET", "/metrics").body.decode().splitlines():
        if line.startswith("quern_model_running"):
            return float(line.split()[-1])
    raise AssertionError("no quern_model_running in /metrics")


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_grant_it_says_which(built, home, language):
    with quern.Server("serve", built(language, "http"), home=home) as server:
        answer = ask(server.port, "POST", "/", b"hello")
        assert answer.status == 403 and 'models = ["default"]' in answer.json()["error"], answer.body


# ---- the command --------------------------------------------------------------------------------


def test_a_command_prints_the_answer(command, home, answers):
    ended = quern.quern("run", "--fake-model", answers, command, "say hello", home=home)
    assert (ended.code, ended.out) == (0, "Hello from the script.\n"), ended.err


def test_a_command_ends_an_answer_early(command, home, answers):
    """The script would go on for minutes."""
    ended = quern.quern("run", "--fake-model", answers, command, "--brief", "one sentence", home=home)
    assert (ended.code, ended.out) == (0, "First one.\n"), ended.err
    assert " tokens" in ended.err


def test_a_model_calls_a_function_of_the_command(command, home, answers):
    ended = quern.quern("run", "--fake-model", answers, command, "--clock", "look at the clock", home=home)
    assert (ended.code, ended.out) == (0, "I looked: it is time.\n"), ended.err


def test_a_command_compares_texts_by_meaning(command, home, smollm2):
    ended = quern.quern("run", "--model", smollm2, "--threads", "1", command,
                        "--closest", "the cat sleeps", "stocks fell sharply", "the cat sleeps", "a prime number", home=home)
    assert (ended.code, ended.out) == (0, "the cat sleeps\n"), ended.err


def test_what_fails_is_told_in_words(command, home, answers):
    for words, said in ((["be busy"], "busy"), ([], "usage: "), (["--closest", "alone"], "usage: ")):
        ended = quern.quern("run", "--fake-model", answers, command, *words, home=home)
        assert ended.code == 1 and ended.out == "" and said in ended.err, ended
    ended = quern.quern("run", command, "hello", home=home)
    assert ended.code == 1 and 'models = ["default"]' in ended.err, ended


# ---- quern new ----------------------------------------------------------------------------------


def test_a_project_is_whole_and_never_written_over(home, tmp_path):
    def new(*words):
        return quern.quern("new", *words, home=tmp_path)

    begun = new("--lang", "python", "--kind", "http", "verdict")
    assert begun.code == 0, begun.err
    commands = [line.strip() for line in begun.out.splitlines() if line.startswith("  ")]
    assert commands == ["cd verdict && componentize-py -d wit -w http componentize app -o verdict.wasm",
                        "quern serve --model smollm2-135m-instruct verdict.wasm"]
    texts = {str(path.relative_to(tmp_path / "verdict")): path.read_text() for path in (tmp_path / "verdict").rglob("*") if path.is_file()}
    assert {"app.py", "README.md", ".gitignore", "wit/world.wit", "wit/deps/http.wit", "wit/deps/quern-llm/llm.wit"} <= texts.keys()
    assert all(command.removeprefix("cd verdict && ") in texts["README.md"] for command in commands)
    assert not [path for path, text in texts.items() if "@NAME@" in text]
    assert texts["wit/deps/quern-llm/llm.wit"] == (quern.ROOT / "wit" / "quern-llm" / "llm.wit").read_text()

    again = new("--lang", "python", "--kind", "command", "verdict")
    assert again.code == 5 and "verdict is here already" in again.err
    assert (tmp_path / "verdict" / "app.py").read_text() == texts["app.py"]


def test_what_cannot_be_begun_is_said(tmp_path):
    for words, code, said in (
        (["--lang", "python", "--kind", "flow", "x"], 1, "there are http, command and filter"),
        (["--lang", "python", "--kind", "http", "../x"], 2, "cannot be a project's name"),
        (["--lang", "cobol", "--kind", "http", "x"], 2, "cobol"),
        (["--lang", "python", "--kind", "http"], 2, "NAME is required"),
    ):
        ended = quern.quern("new", *words, home=tmp_path)
        assert ended.code == code and said in ended.err, ended
        assert list(tmp_path.iterdir()) == []
