"""A Spin app, made with Spin's unmodified Rust SDK, under `quern serve` with real weights."""

import math

import pytest
import quern
from wire import Wire, ask

PROMPT = b"Water is wet. Fire is hot. Ice is"


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    file = tmp_path_factory.mktemp("spin") / "app.toml"
    file.write_text('[limits]\nwall = "2min"\n')
    return file


@pytest.fixture(scope="module")
def app(guest, home, smollm2, manifest):
    with quern.Server("serve", guest("spin/app"), "--model", smollm2, "--manifest", manifest, "--ctx-size", "1024",
                      "--threads", "1", home=home) as server:
        yield server


@pytest.fixture(scope="module")
def fake_app(guest, home, script, manifest):
    with quern.Server("serve", guest("spin/app"), "--fake-model", script, "--manifest", manifest, home=home) as server:
        yield server


def told(answer) -> tuple[int, int, str]:
    """Tokens of the prompt, tokens of the answer, the answer."""
    assert answer.status == 200, answer.body
    head, text = answer.body.decode().split("\n", 1)
    prompt, generated = head.split()
    return int(prompt), int(generated), text


def dot(a, b) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def test_infer_with_options(app):
    prompt, generated, text = told(ask(app.port, "POST", "/infer-with-options?default", PROMPT))
    assert prompt > 8 and 0 < generated <= 8
    assert "cold" in text
    assert told(ask(app.port, "POST", "/infer-with-options?default", PROMPT))[2] == text, "the most probable token each time"


def test_without_options_there_are_at_most_a_hundred_tokens(app):
    _, generated, text = told(ask(app.port, "POST", "/infer?default", b"Once upon a time, there was a"))
    assert 0 < generated <= 100 and text.strip()


def test_embeddings(app):
    texts = ["A fox runs through the forest.", "The vixen hunts among the trees.", "Interest rates rose in March."]
    answer = ask(app.port, "POST", "/embed?default", "\n".join(texts).encode())
    assert answer.status == 200, answer.body
    count, *lines = answer.body.decode().split("\n")
    vectors = [[float(number) for number in line.split()] for line in lines]
    assert int(count) > 10 and [len(vector) for vector in vectors] == [576] * 3
    for vector in vectors:
        assert math.hypot(*vector) == pytest.approx(1, abs=1e-3)
    assert dot(vectors[0], vectors[1]) > dot(vectors[0], vectors[2])


def test_a_model_that_is_not_granted_is_named(app):
    answer = ask(app.port, "POST", "/infer?llama2-chat", b"x")
    assert answer.status == 502
    assert b"InvalidInput" in answer.body and b"llama2-chat" in answer.body and b"models = [" in answer.body


def test_guests_that_wait_share_the_batch_and_hold_no_thread(fake_app):
    """Thirty answers of a second each, made side by side on no more threads than one of them."""
    told(ask(fake_app.port, "POST", "/infer?default", b"hello"))
    before = fake_app.status("Threads")
    waiting = [Wire(fake_app.port) for _ in range(30)]
    for wire in waiting:
        wire.request("POST", "/infer?default", b"ten steps")
    assert fake_app.status("Threads") <= before + 2
    for wire in waiting:
        assert b"step 0 step 1" in wire.response().body
        wire.close()
