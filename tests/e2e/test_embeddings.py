"""Embeddings through the official client."""

import base64
import math
import struct

import openai
import pytest

TEXTS = ["A fox runs through the forest.", "The vixen hunts among the trees.", "Interest rates rose in March."]


def dot(a, b) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


@pytest.fixture(scope="module")
def vectors(client, model):
    return [entry.embedding for entry in client.embeddings.create(model=model, input=TEXTS).data]


def test_they_have_unit_length_and_the_models_width(vectors):
    assert {len(vector) for vector in vectors} == {576}
    for vector in vectors:
        assert math.sqrt(dot(vector, vector)) == pytest.approx(1, abs=1e-3)


def test_they_come_in_the_order_of_the_inputs(client, model, vectors):
    answer = client.embeddings.create(model=model, input=list(reversed(TEXTS)))
    assert [entry.index for entry in answer.data] == [0, 1, 2]
    for entry, vector in zip(answer.data, reversed(vectors), strict=True):
        assert dot(entry.embedding, vector) > 0.999
    assert answer.usage.prompt_tokens == answer.usage.total_tokens > 10


def test_one_text_alone_is_the_same(client, model, vectors):
    assert dot(client.embeddings.create(model=model, input=TEXTS[1]).data[0].embedding, vectors[1]) > 0.999


def test_different_texts_differ(vectors):
    assert dot(vectors[0], vectors[2]) < 0.999


def test_both_encodings_say_the_same(client, model):
    plain = client.embeddings.with_raw_response.create(model=model, input=TEXTS[0], encoding_format="float")
    coded = client.embeddings.with_raw_response.create(model=model, input=TEXTS[0], encoding_format="base64")
    floats = plain.http_response.json()["data"][0]["embedding"]
    raw = base64.b64decode(coded.http_response.json()["data"][0]["embedding"], validate=True)
    assert struct.unpack(f"<{len(floats)}f", raw) == pytest.approx(floats, abs=1e-6)


@pytest.mark.parametrize("wrong", [{"input": []}, {"input": ""}, {"input": [1.5]}, {"input": ["a", 1]},
                                   {"dimensions": 3}, {"encoding_format": "hex"}])
def test_what_cannot_be_embedded_is_refused(client, model, wrong):
    with pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(**{"model": model, "input": TEXTS[0], "encoding_format": "float", **wrong})
    assert refused.value.param in wrong
