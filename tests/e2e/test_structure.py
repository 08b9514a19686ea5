"""Answers that are forced into a form: tools, JSON objects, JSON Schemas. A model of 135 million
parameters knows little of JSON; what comes out right here comes out right because it cannot else."""

import enum
import json

import openai
import pydantic
import pytest

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "enum": ["Paris", "London", "Rome"]},
                "days": {"type": "integer", "minimum": 1, "maximum": 7},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["city", "days", "unit"],
            "additionalProperties": False,
        },
    },
}
TIME = {
    "type": "function",
    "function": {
        "name": "get_time",
        "description": "The time in a zone",
        "parameters": {
            "type": "object",
            "properties": {"zone": {"type": "string", "enum": ["UTC", "CET"]}},
            "required": ["zone"],
            "additionalProperties": False,
        },
    },
}
ASK_WEATHER = [{"role": "user", "content": "What is the weather in Paris?"}]


def check_weather(arguments: str):
    given = json.loads(arguments)
    assert set(given) == {"city", "days", "unit"}
    assert given["city"] in ("Paris", "London", "Rome") and given["unit"] in ("celsius", "fahrenheit")
    assert isinstance(given["days"], int) and 1 <= given["days"] <= 7


@pytest.fixture
def ask(client, model):
    def create(messages=None, **options):
        options = {"temperature": 0, "max_tokens": 200, **options}
        return client.chat.completions.create(model=model, messages=messages or ASK_WEATHER, **options)
    return create


# ---- tools ------------------------------------------------------------------------------------------


def test_a_required_call_has_valid_arguments(ask):
    choice = ask(tools=[WEATHER], tool_choice="required").choices[0]
    assert choice.finish_reason == "tool_calls"
    calls = choice.message.tool_calls
    assert len(calls) >= 1 and len({call.id for call in calls}) == len(calls)
    for call in calls:
        assert call.type == "function" and call.function.name == "get_weather"
        check_weather(call.function.arguments)


def test_the_named_tool_is_called(ask):
    choice = ask(tools=[WEATHER, TIME], tool_choice={"type": "function", "function": {"name": "get_time"}}).choices[0]
    assert [call.function.name for call in choice.message.tool_calls] == ["get_time"]
    assert json.loads(choice.message.tool_calls[0].function.arguments)["zone"] in ("UTC", "CET")


def test_at_most_one_call_without_parallel_calls(ask):
    choice = ask(tools=[WEATHER, TIME], tool_choice="required", parallel_tool_calls=False).choices[0]
    assert len(choice.message.tool_calls) == 1


def test_no_call_when_none_is_chosen(ask):
    choice = ask(tools=[WEATHER], tool_choice="none", max_tokens=24).choices[0]
    assert not choice.message.tool_calls and choice.message.content
    assert choice.finish_reason in ("stop", "length")


def test_the_model_may_decide(ask):
    choice = ask(tools=[WEATHER], tool_choice="auto", max_tokens=80).choices[0]
    assert choice.message.content or choice.message.tool_calls
    for call in choice.message.tool_calls or []:
        json.loads(call.function.arguments)


def test_a_call_comes_in_pieces(ask):
    calls, reason = {}, None
    for chunk in ask(tools=[WEATHER], tool_choice="required", stream=True):
        for delta in chunk.choices[0].delta.tool_calls or []:
            call = calls.setdefault(delta.index, {"id": None, "name": "", "arguments": ""})
            call["id"] = delta.id or call["id"]
            call["name"] += delta.function.name or ""
            call["arguments"] += delta.function.arguments or ""
        reason = chunk.choices[0].finish_reason or reason
    assert reason == "tool_calls" and calls
    for call in calls.values():
        assert call["id"] and call["name"] == "get_weather"
        check_weather(call["arguments"])


def test_the_result_of_a_call_is_read(ask):
    called = ask(tools=[WEATHER], tool_choice="required", parallel_tool_calls=False).choices[0].message
    conversation = [*ASK_WEATHER, called.model_dump(exclude_none=True),
                    {"role": "tool", "tool_call_id": called.tool_calls[0].id, "content": '{"sky": "clear"}'}]
    answer = ask(conversation, tools=[WEATHER], max_tokens=24)
    assert answer.usage.prompt_tokens > ask(tools=[WEATHER], max_tokens=1).usage.prompt_tokens
    assert answer.choices[0].message.content or answer.choices[0].message.tool_calls


# ---- response_format --------------------------------------------------------------------------------


def test_any_json_object(ask):
    # Shown twice: a small model left to itself may not come to an end.
    prompt = [turn for colour in ("red", "green")
              for turn in ({"role": "user", "content": colour}, {"role": "assistant", "content": f'{{"colour": "{colour}"}}'})]
    prompt.append({"role": "user", "content": "blue"})
    choice = ask(prompt, response_format={"type": "json_object"}).choices[0]
    assert choice.finish_reason == "stop"
    assert isinstance(json.loads(choice.message.content), dict)


class Size(enum.Enum):
    small = "small"
    large = "large"


class Leg(pydantic.BaseModel):
    side: bool
    length_cm: int


class Animal(pydantic.BaseModel):
    size: Size
    legs: list[Leg] = pydantic.Field(min_length=1, max_length=2)
    tail: Leg | None


def test_a_pydantic_model_is_parsed(client, model):
    answer = client.chat.completions.parse(model=model, messages=[{"role": "user", "content": "Describe a fox."}],
                                           response_format=Animal, temperature=0, max_tokens=200)
    assert answer.choices[0].finish_reason == "stop"
    assert isinstance(answer.choices[0].message.parsed, Animal)


# Each schema, and what must be true of the answer.
SCHEMAS = {
    "enum": ({"enum": ["red", "green", 3, None]}, lambda v: v in ("red", "green", 3, None)),
    "const": ({"const": "quern"}, lambda v: v == "quern"),
    "numbers": ({"type": "array", "items": {"type": "integer", "minimum": -5, "maximum": 12}, "minItems": 3, "maxItems": 3},
                lambda v: len(v) == 3 and all(-5 <= n <= 12 for n in v)),
    "any": ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, lambda v: v in (True, False, None)),
    "length": ({"type": "string", "minLength": 3, "maxLength": 5}, lambda v: 3 <= len(v) <= 5),
    "nested": ({"type": "object", "properties": {"a": {"type": "object", "properties": {
        "b": {"type": "array", "items": {"type": "boolean"}, "maxItems": 2}}, "required": ["b"],
        "additionalProperties": False}}, "required": ["a"], "additionalProperties": False},
        lambda v: list(v) == ["a"] and list(v["a"]) == ["b"] and len(v["a"]["b"]) <= 2),
    "reference": ({"$defs": {"colour": {"enum": ["red", "blue"]}}, "type": "object", "properties": {
        "left": {"$ref": "#/$defs/colour"}, "right": {"$ref": "#/$defs/colour"}}, "required": ["left", "right"],
        "additionalProperties": False}, lambda v: set(v) == {"left", "right"} and set(v.values()) <= {"red", "blue"}),
    "ünï": ({"type": "object", "properties": {"größe \"x\"": {"type": "boolean"}}, "required": ["größe \"x\""],
             "additionalProperties": False}, lambda v: list(v) == ["größe \"x\""]),
}


def strict(schema: dict) -> dict:
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_kept(ask, name):
    schema, holds = SCHEMAS[name]
    wrapped = {"type": "object", "properties": {"value": schema}, "required": ["value"], "additionalProperties": False}
    if "$defs" in schema:
        wrapped["$defs"] = schema.pop("$defs")
    # At a high temperature the model alone would not keep it.
    for seed in (1, 2):
        choice = ask(response_format=strict(wrapped), temperature=1.5, seed=seed).choices[0]
        assert choice.finish_reason == "stop", choice.message.content
        value = json.loads(choice.message.content)
        assert list(value) == ["value"] and holds(value["value"]), value


@pytest.mark.parametrize("keyword, value", [
    ("not", {"const": 1}), ("if", {"const": 1}), ("uniqueItems", True), ("patternProperties", {"^a": {}}),
    ("contains", {"const": 1}), ("multipleOf", 3), ("dependentRequired", {"a": ["b"]}), ("propertyNames", {"maxLength": 3}),
])
def test_a_keyword_that_cannot_be_enforced_is_refused_by_name(ask, keyword, value):
    schema = {"type": "object", "properties": {"a": {keyword: value}}, "required": ["a"], "additionalProperties": False}
    with pytest.raises(openai.BadRequestError) as refused:
        ask(response_format=strict(schema), max_tokens=8)
    assert keyword in refused.value.body["message"]


@pytest.mark.parametrize("schema", [
    {"type": "object", "properties": {"a": {"$ref": "#/$defs/missing"}}, "required": ["a"]},
    {"type": "no such type"},
    {"$ref": "file:///etc/passwd"},
    {"$ref": "http://127.0.0.1:9/schema.json"},
])
def test_a_schema_that_makes_no_sense_is_refused(ask, schema):
    with pytest.raises(openai.BadRequestError):
        ask(response_format=strict(schema), max_tokens=8)


def test_a_grammar_of_our_own(client, model):
    answer = client.chat.completions.create(model=model, messages=ASK_WEATHER, max_tokens=20,
                                            extra_body={"grammar": 'root ::= "sun" | "rain"'})
    assert answer.choices[0].message.content in ("sun", "rain")


def test_a_broken_grammar_is_refused(client, model):
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=model, messages=ASK_WEATHER, max_tokens=20,
                                       extra_body={"grammar": 'root ::= "sun" | missing-rule ('})


def test_a_pattern_that_multiplies_is_refused_by_name(ask):
    text = {"type": "string", "pattern": "^((((a?){1,50}){1,50}){1,50}){1,50}$"}
    schema = {"type": "object", "properties": {"a": text}, "required": ["a"], "additionalProperties": False}
    with pytest.raises(openai.BadRequestError) as refused:
        ask(response_format=strict(schema), max_tokens=5, timeout=20)
    assert "pattern" in refused.value.body["message"] and "2000" in refused.value.body["message"]


def test_an_ambiguous_grammar_ends_its_own_answer_alone(client, model):
    grammar = 'root ::= "c" (((([a-z]?){1,50}){1,50}){1,50}){1,50}'
    with pytest.raises(openai.BadRequestError, match="ambiguous"):
        client.chat.completions.create(model=model, messages=ASK_WEATHER, max_tokens=20, timeout=20,
                                       extra_body={"grammar": grammar})
    answer = client.chat.completions.create(model=model, messages=ASK_WEATHER, max_tokens=4, timeout=20)
    assert answer.usage.completion_tokens > 0
