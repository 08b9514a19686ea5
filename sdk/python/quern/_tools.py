"""Python functions as a model's tools: the schema comes out of the signature and the docstring."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from typing import Any, Callable, get_type_hints

from ._errors import IncompleteError
from ._schema import read, schema_of

_HEADINGS = re.compile(r"^(Args|Arguments|Parameters|Returns|Raises|Yields|Examples?|Notes?):\s*$")
_ARGUMENT = re.compile(r"^\s+(\w+)\s*(?:\([^)]*\))?:\s*(.+)$")
_FIELD = re.compile(r"^\s*:param\s+(?:[\w\[\], .|]+\s+)?(\w+):\s*(.+)$")


class Tool:
    """One function. TypeError when a parameter has no type, or one that JSON has not."""

    def __init__(self, function: Callable[..., Any]):
        self.function = function
        self.name = function.__name__
        description, arguments = _read_docstring(inspect.getdoc(function) or "")
        self._kinds = _parameter_types(function)
        properties, required = {}, []
        for name, parameter in inspect.signature(function).parameters.items():
            schema = schema_of(self._kinds[name])
            if "$defs" in schema:
                raise TypeError(f"the parameter {name!r} of {self.name}() is too involved a type for a tool")
            if name in arguments and "description" not in schema:
                schema = {**schema, "description": arguments[name]}
            properties[name] = schema
            if parameter.default is inspect.Parameter.empty:
                required.append(name)
        parameters = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
        self.schema = {"type": "function",
                       "function": {"name": self.name, "description": description, "parameters": parameters}}

    def call(self, arguments: str) -> Any:
        """The function's own result, which is awaitable when it is a coroutine function; what it raises is raised."""
        try:
            values = json.loads(arguments)
        except ValueError:
            raise IncompleteError(f"the call of {self.name} ended before its arguments were whole", arguments) from None
        return self.function(**{name: read(self._kinds[name], value) for name, value in values.items()})


def _parameter_types(function: Callable[..., Any]) -> dict[str, Any]:
    hints = get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise TypeError(f"{function.__name__}() cannot be a tool: {parameter} has no name that a model could use")
        if name not in hints:
            raise TypeError(f"{function.__name__}() cannot be a tool: its parameter {name!r} has no type")
    return hints


def _read_docstring(text: str) -> tuple[str, dict[str, str]]:
    """What stands before the first heading, and the parameters' descriptions (Google's style, or :param x:)."""
    description: list[str] = []
    arguments: dict[str, str] = {}
    heading = ""
    for line in text.split("\n"):
        found = _HEADINGS.match(line)
        field = _FIELD.match(line)
        argument = _ARGUMENT.match(line)
        if found:
            heading = found.group(1)
        elif field:
            heading = "fields"
            arguments[field.group(1)] = field.group(2).strip()
        elif heading in ("Args", "Arguments", "Parameters") and argument:
            arguments[argument.group(1)] = argument.group(2).strip()
        elif not heading and not line.lstrip().startswith(":"):
            description.append(line)
    return "\n".join(description).strip(), arguments


def result_text(value: Any) -> str:
    """What the model is told: texts as they are, everything else as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)
