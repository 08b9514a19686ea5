"""Python types as JSON Schema, and JSON values as Python's: what `returns=` and tools are made of.

    schema_of(list[int])   {"type": "array", "items": {"type": "integer"}}
    read(list[int], [1])   [1]

Knows str, int, float, bool, None, Any, Literal, Enum, unions, list, tuple, set, dict, dataclasses, NamedTuple, TypedDict,
Annotated[T, "what it means"], Annotated[T, {"maxLength": 80}], and pydantic's models (pydantic itself is not needed). A
dict is taken as a schema.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import types
import typing
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
_LISTS = (list, set, frozenset, collections.abc.Sequence, collections.abc.Iterable)
_UNIONS = (Union, getattr(types, "UnionType", Union))


def schema_of(kind: Any) -> dict:
    """TypeError names a type that cannot be told to a model."""
    if isinstance(kind, dict):
        return kind
    builder = _Builder()
    schema = builder.schema(kind)
    if builder.definitions:
        schema = {**schema, "$defs": builder.definitions}
    return schema


def _is_pydantic(kind: Any) -> bool:
    return isinstance(kind, type) and hasattr(kind, "model_json_schema") and hasattr(kind, "model_validate")


def _is_record(kind: Any) -> bool:
    return isinstance(kind, type) and (dataclasses.is_dataclass(kind) or typing_is_typeddict(kind) or _is_named_tuple(kind))


def typing_is_typeddict(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, dict) and hasattr(kind, "__required_keys__")


def _is_named_tuple(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields")


def _bare(kind: Any) -> tuple[Any, dict]:
    """Without Annotated, Required and NotRequired, and the keywords that stood there: a text is the description."""
    keywords: dict[str, Any] = {}
    while True:
        origin = get_origin(kind)
        if hasattr(kind, "__metadata__"):
            for note in kind.__metadata__:
                more = {"description": note} if isinstance(note, str) else note if isinstance(note, dict) else {}
                keywords = {**more, **keywords}
            kind = kind.__origin__
        elif origin is not None and getattr(origin, "_name", "") in ("Required", "NotRequired", "ReadOnly"):
            kind = get_args(kind)[0]
        else:
            return kind, keywords


def _members(kind: Any) -> tuple[dict[str, Any], list[str]]:
    """A record's types by name, and those that must be there."""
    hints = get_type_hints(kind, include_extras=True)
    if dataclasses.is_dataclass(kind):
        fields = [field for field in dataclasses.fields(kind) if field.init]
        missing = dataclasses.MISSING
        required = [f.name for f in fields if f.default is missing and f.default_factory is missing]
        return {field.name: hints[field.name] for field in fields}, required
    if _is_named_tuple(kind):
        return hints, [name for name in kind._fields if name not in kind._field_defaults]
    return hints, [name for name in hints if name in kind.__required_keys__]


class _Builder:
    def __init__(self) -> None:
        self.definitions: dict[str, Any] = {}
        self._open: list[Any] = []

    def schema(self, kind: Any) -> dict:
        kind, keywords = _bare(kind)
        return {**self._schema(kind), **keywords}

    def _schema(self, kind: Any) -> dict:
        origin, arguments = get_origin(kind), get_args(kind)
        if kind is Any:
            return {}
        if kind is None or kind in _PLAIN:
            return {"type": _PLAIN[type(None) if kind is None else kind]}
        if _is_pydantic(kind):
            schema = kind.model_json_schema()
            self.definitions.update(schema.pop("$defs", {}))
            return schema
        if origin is Literal:
            return {"enum": list(arguments)}
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return {"enum": [member.value for member in kind]}
        if origin in _UNIONS:
            return {"anyOf": [self.schema(each) for each in arguments]}
        if (origin or kind) is tuple and arguments and arguments[-1] is not Ellipsis:
            return {"type": "array", "prefixItems": [self.schema(each) for each in arguments],
                    "minItems": len(arguments), "maxItems": len(arguments)}
        if (origin or kind) in (*_LISTS, tuple):
            return {"type": "array", "items": self.schema(arguments[0] if arguments else Any)}
        if (origin or kind) in (dict, collections.abc.Mapping):
            return {"type": "object", "additionalProperties": self.schema(arguments[1]) if arguments else {}}
        if _is_record(kind):
            return self._record(kind)
        raise TypeError(f"a model cannot be asked for {kind!r}: there is no JSON Schema for it")

    def _record(self, kind: Any) -> dict:
        if kind in self._open:
            raise TypeError(f"a model cannot be asked for {kind.__name__}: it holds itself")
        self._open.append(kind)
        members, required = _members(kind)
        properties = {name: self.schema(each) for name, each in members.items()}
        self._open.pop()
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def read(kind: Any, value: Any) -> Any:
    """`value`, as json.loads gives it, as a `kind`. ValueError when it does not fit."""
    if isinstance(kind, dict) or kind is Any:
        return value
    kind, _ = _bare(kind)
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is None or kind is type(None):
        return _expect(value is None, None, value, "null")
    if kind is float:
        return _expect(isinstance(value, (int, float)) and not isinstance(value, bool), value, value, "a number") * 1.0
    if kind in _PLAIN:
        fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
        return _expect(fits, value, value, f"of type {kind.__name__}")
    if _is_pydantic(kind):
        return kind.model_validate(value)
    if origin is Literal:
        return _expect(value in arguments, value, value, f"one of {arguments}")
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(value)
    if origin in _UNIONS:
        return _read_union(arguments, value)
    if (origin or kind) is tuple and arguments and arguments[-1] is not Ellipsis:
        _expect(isinstance(value, list) and len(value) == len(arguments), value, value, f"a list of {len(arguments)}")
        return tuple(read(each, item) for each, item in zip(arguments, value))
    if (origin or kind) in (*_LISTS, tuple):
        _expect(isinstance(value, list), value, value, "a list")
        items = [read(arguments[0] if arguments else Any, item) for item in value]
        made = origin or kind
        return made(items) if made in (tuple, set, frozenset) else items
    if (origin or kind) in (dict, collections.abc.Mapping):
        _expect(isinstance(value, dict), value, value, "an object")
        return {name: read(arguments[1] if arguments else Any, item) for name, item in value.items()}
    if _is_record(kind):
        return _read_record(kind, value)
    raise TypeError(f"JSON cannot be read as {kind!r}")


def _expect(fits: bool, result: Any, value: Any, what: str) -> Any:
    if not fits:
        raise ValueError(f"{value!r} is not {what}")
    return result


def _read_union(kinds: tuple, value: Any) -> Any:
    for kind in kinds:
        try:
            return read(kind, value)
        except (ValueError, TypeError):
            continue
    raise ValueError(f"{value!r} is none of {kinds}")


def _read_record(kind: Any, value: Any) -> Any:
    _expect(isinstance(value, dict), value, value, "an object")
    members, required = _members(kind)
    for name in required:
        _expect(name in value, value, value, f"an object with {name!r}")
    return kind(**{name: read(members[name], item) for name, item in value.items() if name in members})
