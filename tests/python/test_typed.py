"""Typed results and tools: the types' way to JSON Schema and back, and the rounds of calls."""

import asyncio
import dataclasses
import enum
from typing import Annotated, Any, Literal, NamedTuple, Optional, TypedDict

import pydantic
import pytest

import quern
from quern._schema import read, schema_of
from quern._tools import Tool


@dataclasses.dataclass
class Pet:
    name: str


@dataclasses.dataclass
class Person:
    name: str
    age: int
    pets: list[Pet]
    nick: Optional[str] = None


class Colour(enum.Enum):
    red = "r"
    blue = "b"


class Point(NamedTuple):
    x: float
    y: float = 0.0


class Movie(TypedDict, total=False):
    title: str
    year: int


class Car(pydantic.BaseModel):
    maker: str
    wheels: int = 4


@pytest.mark.parametrize(("kind", "value", "back"), [
    (str, "a", "a"), (int, 3, 3), (float, 3, 3.0), (bool, True, True), (None, None, None), (Any, {"a": 1}, {"a": 1}),
    (list[int], [1, 2], [1, 2]), (set[str], ["a"], {"a"}), (tuple[int, str], [1, "a"], (1, "a")),
    (tuple[int, ...], [1, 2], (1, 2)), (dict[str, float], {"a": 1}, {"a": 1.0}), (Literal["a", 1], 1, 1),
    (int | None, None, None), (Optional[Pet], {"name": "Rex"}, Pet("Rex")), (Colour, "b", Colour.blue),
    (Point, {"x": 1}, Point(1.0)), (Movie, {"year": 1999}, {"year": 1999}), (Car, {"maker": "A"}, Car(maker="A")),
    (list[Car], [{"maker": "A", "wheels": 3}], [Car(maker="A", wheels=3)]), (Annotated[int, "years"], 3, 3),
    (Person, {"name": "Ann", "age": 4, "pets": []}, Person("Ann", 4, [])),
])
def test_values_come_back_as_their_type(kind, value, back):
    schema_of(kind)
    got = read(kind, value)
    assert got == back
    assert type(got) is type(back)


@pytest.mark.parametrize(("kind", "value"), [
    (int, "3"), (int, True), (str, 1), (float, True), (list[int], ["a"]), (tuple[int, str], [1]), (Literal["a"], "b"),
    (Colour, "x"), (Person, {"name": "Ann"}), (int | None, "a"), (Car, {}),
])
def test_values_that_do_not_fit_are_refused(kind, value):
    with pytest.raises(ValueError):
        read(kind, value)


def test_a_schema_says_all_of_a_type():
    assert schema_of(Person) == {
        "type": "object",
        "properties": {
            "name": {"type": "string"}, "age": {"type": "integer"},
            "pets": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}},
                                                "required": ["name"], "additionalProperties": False}},
            "nick": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
        "required": ["name", "age", "pets"], "additionalProperties": False}
    assert schema_of(Annotated[int, "in years"]) == {"type": "integer", "description": "in years"}
    assert schema_of(Annotated[str, "a name", {"maxLength": 9}]) == {"type": "string", "description": "a name", "maxLength": 9}
    assert schema_of({"type": "string"}) == {"type": "string"}


def test_types_without_a_schema_are_refused():
    with pytest.raises(TypeError, match="object"):
        schema_of(object)
    with pytest.raises(TypeError, match="holds itself"):
        schema_of(Node)


@dataclasses.dataclass
class Node:
    next: Optional["Node"]


def test_chat_returns_what_was_asked_for(llm):
    assert llm.chat("person", returns=Person) == Person("Ann", 41, [Pet("Rex")])
    assert llm.chat("person", returns=schema_of(Person))["age"] == 41
    assert asyncio.run(llm.achat("person", returns=Person)).name == "Ann"
    with pytest.raises(ValueError):
        llm.chat("not JSON", returns=Person)  # the fake looks at no schema


# ---- tools ----

def test_a_tool_is_its_signature_and_docstring():
    def weather(city: str, days: Annotated[int, "from today"] = 1, unit: Literal["C", "F"] = "C") -> str:
        """The weather in a city.

        It is asked of nobody.

        Args:
            city: its name in English
            unit (str): of the temperature
        """

    assert Tool(weather).schema["function"] == {
        "name": "weather", "description": "The weather in a city.\n\nIt is asked of nobody.",
        "parameters": {"type": "object", "properties": {
            "city": {"type": "string", "description": "its name in English"},
            "days": {"type": "integer", "description": "from today"},
            "unit": {"enum": ["C", "F"], "description": "of the temperature"}},
            "required": ["city"], "additionalProperties": False}}

    def other(x: int):
        """Something.

        :param x: a number
        """

    assert Tool(other).schema["function"]["parameters"]["properties"] == {"x": {"type": "integer", "description": "a number"}}


def test_functions_that_cannot_be_tools_are_refused():
    with pytest.raises(TypeError, match="'x' has no type"):
        Tool(lambda x: x)
    with pytest.raises(TypeError, match="no name that a model could use"):
        def many(*numbers: int): ...
        Tool(many)


def test_tools_are_called_until_the_model_answers(llm):
    calls = []

    def weather(city: str, days: int) -> dict:
        calls.append((city, days))
        return {"sky": "it rains"}

    reply = llm.chat("What is the weather?", tools=[weather])
    assert calls == [("Rome", 2)]
    assert reply.text == "Take an umbrella."
    assert [message["role"] for message in reply.messages] == ["user", "assistant", "tool", "assistant"]
    assert reply.messages[2] == {"role": "tool", "tool_call_id": "c1", "content": '{"sky": "it rains"}'}


def test_tools_may_be_coroutines(llm):
    async def weather(city: str, days: int) -> str:
        await asyncio.sleep(0)
        return "it rains"

    assert asyncio.run(llm.achat("weather", tools=[weather])).text == "Take an umbrella."
    with pytest.raises(TypeError, match="use achat"):
        llm.chat("weather", tools=[weather])


def test_rounds_are_bounded(llm):
    called = []

    def again(what: str) -> str:
        called.append(what)
        return what

    with pytest.raises(quern.InternalError, match="when it might not"):  # the fake takes no choice away
        llm.chat("again and again", tools=[again], max_rounds=3)
    assert len(called) == 3


def test_what_a_tool_raises_is_raised(llm):
    def weather(city: str, days: int) -> str:
        raise LookupError("no such city")

    with pytest.raises(LookupError, match="no such city"):
        llm.chat("weather", tools=[weather])
    with pytest.raises(quern.IncompleteError):
        llm.chat("half a call", tools=[weather])


def test_tools_and_a_type_together(llm):
    def weather(city: str, days: int) -> str:
        return "it is a person"

    # The tool's result makes the fake speak of a person, first freely, then in the form.
    assert llm.chat("weather", tools=[weather], returns=Person).age == 41
