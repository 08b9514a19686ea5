"""quern:log for a filter in a pipeline: an object that is asked about each event.

    from quern import filter

    class Sieve:
        def __init__(self, options: dict[str, str]):
            pass

        def process(self, event: filter.Event) -> filter.Outcome:
            return filter.DROP if event.body.get("level") == "debug" else filter.KEEP

    Filter = filter.of(Sieve)
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace as _replaced
from typing import Protocol

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import metrics, quern_log_types as types

Outcome = types.Outcome

KEEP: Outcome = types.Outcome_Keep()
DROP: Outcome = types.Outcome_Drop()


@dataclass
class Event:
    """A record on its way. Times are since 1970."""

    tag: str  # where it goes: of an event that the filter makes it may be another
    seconds: int
    nanoseconds: int
    body: dict
    metadata: str | None = None  # a JSON object; most events have none

    def with_body(self, body: dict) -> Event:
        """Another body with this one's tag, time and metadata."""
        return _replaced(self, body=body)


class Filter(Protocol):
    """One is made when the pipeline starts, and another one after a trap. ValueError: the options are wrong, and the
    pipeline does not start. An event at which process() raises is a dead letter, with the exception's text as its reason."""

    def __init__(self, options: dict[str, str]): ...

    def process(self, event: Event) -> Outcome: ...


def change(body: dict) -> Outcome:
    """The same event with this body."""
    return types.Outcome_Change(_text(body))


def replace(events: list[Event]) -> Outcome:
    """These in its place; none is the same as DROP."""
    return types.Outcome_Replace([
        types.NewEvent(event.tag, event.seconds, event.nanoseconds, _text(event.body), event.metadata) for event in events])


def dead(reason: str) -> Outcome:
    """It goes to the filter's dead letters."""
    return types.Outcome_Dead(reason)


def count(name: str, by: int = 1) -> None:
    """Adds to a counter of the filter's own."""
    metrics.count(name, by)


def gauge(name: str, value: float) -> None:
    """Says how much there is of something now."""
    metrics.gauge(name, value)


def _text(body: dict) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def of(made_of: type[Filter]) -> type:
    """What the component exports."""

    class Exported(exports.Filter):
        def configure(self, options: list[tuple[str, str]]) -> None:
            global _filter
            try:
                _filter = made_of(dict(options))
            except ValueError as wrong:
                raise Err(str(wrong)) from wrong

        def process(self, tag: str, events: list[types.Event]) -> list[Outcome]:
            return [_outcome(Event(tag, event.seconds, event.nanoseconds, json.loads(event.body), event.metadata))
                    for event in events]

    return Exported


def _outcome(event: Event) -> Outcome:
    try:
        outcome = _filter.process(event)
    except Exception as failed:
        return dead(f"{type(failed).__name__}: {failed}")
    return dead("process() returned no outcome") if outcome is None else outcome


_filter: Filter
