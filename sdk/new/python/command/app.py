"""Asks the model that its host lends."""

import sys
from datetime import datetime, timezone

import quern
from wit_world import exports

USAGE = """usage: @NAME@ QUESTION                  the answer, as it is written
       @NAME@ --brief QUESTION          its first sentence
       @NAME@ --clock QUESTION          the model may look at the clock
       @NAME@ --closest TEXT OTHER...   which of the others is nearest in meaning"""


def ask(question: str) -> None:
    for piece in quern.open().stream(question, temperature=0, max_tokens=200):
        print(piece, end="", flush=True)
    print()


def brief(question: str) -> None:
    stream = quern.open().stream(question, temperature=0)
    text = ""
    while "." not in text:
        text += next(stream, ".")
    stream.cancel()
    print(text[:text.index(".") + 1])
    print(f"{stream.whole().usage.completion_tokens} tokens", file=sys.stderr)


def clock(zone: str) -> str:
    """Says what time it is.

    Args:
        zone: the name of a time zone, as in UTC
    """
    return f"{datetime.now(timezone.utc):%H:%M} in UTC" if zone == "UTC" else f"nobody here knows the time in {zone}"


def ask_with_clock(question: str) -> None:
    print(quern.open().chat(question, tools=[clock], temperature=0, max_tokens=200))


def closest(text: str, others: list[str]) -> None:
    wanted, *vectors = quern.open().embed([text, *others]).vectors
    likeness = [sum(a * b for a, b in zip(wanted, vector)) for vector in vectors]
    print(others[likeness.index(max(likeness))])


class Run(exports.Run):
    def run(self) -> None:
        try:
            match sys.argv[1:]:
                case ["--brief", question]:
                    brief(question)
                case ["--clock", question]:
                    ask_with_clock(question)
                case ["--closest", text, *others] if others:
                    closest(text, others)
                case [question] if not question.startswith("-"):
                    ask(question)
                case _:
                    sys.exit(USAGE)
        except quern.QuernError as problem:
            sys.exit(f"@NAME@: {problem}")
