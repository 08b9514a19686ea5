"""With real weights: what the model says is held to a form, and equals what the server says."""

import asyncio
import dataclasses
import importlib.util
import json
import urllib.request
from typing import Literal, TypedDict

import numpy
import pydantic
import pytest

import quern
from conftest import ROOT
from quern import _native

TEXTS = ["A fox runs through the forest.", "The vixen hunts among the trees.", "Interest rates rose in March."]


@pytest.fixture(scope="module")
def server(weights, tmp_path_factory):
    """The program, with the same weights. Its helper has this package's name, and so gets another one here."""
    spec = importlib.util.spec_from_file_location("quern_program", ROOT / "tests" / "e2e" / "quern.py")
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    home = tmp_path_factory.mktemp("home")
    with program.Server("--model", weights, "--ctx-size", "2048", "--threads", "1", home=home) as running:
        yield running


def post(server, path: str, body: dict) -> dict:
    request = urllib.request.Request(f"{server.url}/v1/{path}", json.dumps({"model": "default", **body}).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def test_embeddings_equal_the_servers(smollm2, server):
    ours = numpy.asarray(smollm2.embed(TEXTS))
    theirs = numpy.array([entry["embedding"] for entry in post(server, "embeddings", {"input": TEXTS})["data"]])
    assert ours.shape == theirs.shape == (3, smollm2.info.embedding_length)
    assert numpy.allclose(ours, theirs, atol=1e-4)
    assert numpy.allclose(asyncio.run(smollm2.aembed(TEXTS[0])), ours[0], atol=1e-2)


def test_answers_equal_the_servers(smollm2, server):
    prompt = [{"role": "user", "content": "Name three colours."}]
    theirs = post(server, "chat/completions", {"messages": prompt, "temperature": 0, "max_tokens": 12})
    ours = smollm2.chat(prompt, temperature=0, max_tokens=12)
    assert ours.text == theirs["choices"][0]["message"]["content"]
    assert ours.usage.prompt_tokens == theirs["usage"]["prompt_tokens"] == smollm2.count_tokens(prompt)
    assert ours.finish_reason == theirs["choices"][0]["finish_reason"]


def test_tokens_go_there_and_back(smollm2):
    text = "Grüße, 世界! 🌍"
    assert smollm2.detokenize(smollm2.tokenize(text)) == text
    assert len(smollm2.tokenize("<|im_start|>", special=True)) < len(smollm2.tokenize("<|im_start|>"))


@dataclasses.dataclass
class Review:
    mood: Literal["good", "bad"]
    stars: Literal[1, 2, 3, 4, 5]
    recommended: bool


class Ratings(TypedDict):
    stars: Literal[1, 2, 3]


class Verdict(pydantic.BaseModel):
    mood: Literal["good", "bad"]


@pytest.mark.parametrize("kind", [Review, Ratings, Verdict, bool, Literal["yes", "no"]])
def test_results_have_their_type(smollm2, kind):
    result = smollm2.chat("Review this: 'The best bread I ever had!'", returns=kind, temperature=0, max_tokens=60)
    if kind is Ratings:
        assert result["stars"] in (1, 2, 3) and result.keys() == {"stars"}
    elif kind is bool:
        assert isinstance(result, bool)
    elif isinstance(kind, type):
        assert isinstance(result, kind) and result.mood in ("good", "bad")
    else:
        assert result in ("yes", "no")


def test_a_record_keeps_the_order_of_its_fields(smollm2):
    @dataclasses.dataclass
    class Zebra:
        zeal: bool
        age: Literal[1, 2]

    stream = smollm2.stream("A zebra?", max_tokens=1)  # what chat() asks for is asked for by hand here
    stream.close()
    from quern._schema import schema_of
    request = {"messages": [{"role": "user", "content": "A zebra?"}], "max_tokens": 40, "temperature": 0,
               "response_format": {"type": "json_schema", "json_schema": {"schema": schema_of(Zebra)}}}
    text = quern.Stream(smollm2, "quern_chat", request).whole().text
    assert list(json.loads(text)) == ["zeal", "age"]


def test_what_is_cut_says_so(smollm2):
    with pytest.raises(quern.IncompleteError) as cut:
        smollm2.chat("Review: 'Good!'", returns=Review, max_tokens=4, temperature=0)
    assert cut.value.text.startswith("{")
    with pytest.raises(quern.InvalidArgumentError, match="schema|keyword"):
        smollm2.chat("Hi", returns={"type": "array", "uniqueItems": True})
    with pytest.raises(quern.InvalidArgumentError, match="temperature"):
        smollm2.chat("Hi", temperature=7)


def test_a_prompt_that_does_not_fit(smollm2):
    with pytest.raises(quern.ContextFullError, match="2048"):
        smollm2.chat("word " * 5000)


def test_a_tool_is_called(smollm2):
    asked = []

    def weather(city: Literal["Rome", "Oslo"]) -> str:
        """The weather in a city, now."""
        asked.append(city)
        return f"It rains in {city}."

    reply = smollm2.chat("How is the weather in Rome?", tools=[weather], tool_choice="required", max_rounds=1,
                         temperature=0, max_tokens=40)
    assert set(asked) <= {"Rome", "Oslo"} and asked
    assert [message["role"] for message in reply.messages] == ["user", "assistant", *["tool"] * len(asked), "assistant"]
    assert reply.text and not reply.tool_calls


def test_two_files_of_one_name_are_two_models(weights, tmp_path):
    """No digest tells them apart; the same file by another way is the same one."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    (tmp_path / "one" / "small.gguf").symlink_to(weights)
    (tmp_path / "two" / "small.gguf").hardlink_to(weights)
    engine = _native.open_engine({"context_tokens": 64, "threads": 1})
    names = [_native.model_info(_native.load_model(engine, str(tmp_path / place), None))["name"]
             for place in ("one/small.gguf", "two/small.gguf", "one/../one/small.gguf", "two/small.gguf")]
    _native.close(engine)
    assert names == ["small", str(tmp_path / "two" / "small.gguf")] * 2
