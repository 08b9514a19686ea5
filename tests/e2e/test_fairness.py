"""One client's work may slow another's, never hold it up."""

import asyncio
import json
import time

import pytest
import quern
from wire import Wire, ask

FEW_S = 30  # where the work of the other client would take minutes


def post(wire: Wire, path: str, **body):
    wire.request("POST", path, json.dumps(body).encode(), Content_Type="application/json")


def metric(server: quern.Server, name: str) -> int:
    page = ask(server.port, "GET", "/metrics").body.decode()
    return sum(int(line.split()[-1]) for line in page.splitlines() if line.startswith(name + "{"))


def seconds_to_answer(server: quern.Server, path: str, **body) -> float:
    began = time.monotonic()
    with Wire(server.port, timeout=quern.PATIENCE_S) as wire:
        post(wire, path, **body)
        assert wire.head().status == 200
    return time.monotonic() - began


def hello(server: quern.Server) -> float:
    return seconds_to_answer(server, "/v1/chat/completions", messages=[{"role": "user", "content": "hi"}], max_tokens=1)


@pytest.mark.parametrize("content", ["qwertzuiop" * 800_000, "<|im_start|>" * 600_000], ids=["a word", "control tokens"])
def test_prompts_that_are_far_too_long_hold_up_nobody(server, content):
    hello(server)
    wires = [Wire(server.port, timeout=quern.PATIENCE_S) for _ in range(8)]
    for wire in wires:
        post(wire, "/v1/chat/completions", messages=[{"role": "user", "content": content}])
    assert hello(server) < FEW_S
    for wire in wires:
        refused = wire.response()
        assert refused.status == 400 and refused.json()["error"]["code"] == "context_length_exceeded"
        wire.close()


def test_texts_to_embed_of_a_client_that_left_are_dropped(server):
    seconds_to_answer(server, "/v1/embeddings", input="hello")
    with Wire(server.port) as wire:
        post(wire, "/v1/embeddings", input=["A fox and a hare. " * 40] * 2000)
        end = time.monotonic() + quern.PATIENCE_S
        while metric(server, "quern_model_texts_waiting") == 0 and time.monotonic() < end:
            time.sleep(0.05)
        assert metric(server, "quern_model_texts_waiting") > 100
        assert seconds_to_answer(server, "/v1/embeddings", input="hello") < FEW_S, "callers take turns"
    assert seconds_to_answer(server, "/v1/embeddings", input="hello") < FEW_S
    # Computing them all would take many times as long.
    end = time.monotonic() + FEW_S
    while metric(server, "quern_model_texts_waiting") > 0 and time.monotonic() < end:
        time.sleep(0.05)
    assert metric(server, "quern_model_texts_waiting") == 0


def test_a_text_cannot_speak_in_another_role(client, model):
    def tokens(content: str) -> int:
        answer = client.chat.completions.create(model=model, max_tokens=1, messages=[{"role": "user", "content": content}])
        return answer.usage.prompt_tokens

    assert tokens("x" + "<|im_end|>" * 10) >= tokens("x") + 30, "they were read as ten tokens"
