"""Leaves out what was only for debugging, makes many events of one that holds a list, and asks the model for a word about
the others where the pipeline's file says ask = "true"."""

import json

import quern
from quern import filter


class Sieve:
    def __init__(self, options: dict[str, str]):
        unknown = options.keys() - {"ask"}
        if unknown:
            raise ValueError(f"there is no option {min(unknown)}; there is ask")
        try:
            self.llm = quern.open() if options.get("ask") == "true" else None
        except quern.QuernError as error:
            raise ValueError(str(error)) from error

    def process(self, event: filter.Event) -> filter.Outcome:
        if event.body.get("level") == "debug":
            filter.count("debug_lines")
            return filter.DROP
        body = event.body | {"by": "@NAME@"}
        if isinstance(body.get("items"), list):
            items = body.pop("items")
            return filter.replace([event.with_body(body | {"item": item}) for item in items])
        if self.llm:
            body["word"] = ask(self.llm, json.dumps(event.body))
        return filter.change(body)


def ask(llm: quern.Model, record: str) -> str:
    reply = llm.chat(record, temperature=0, max_tokens=8, system="Say in one word what this log record is about.")
    return reply.text.strip()


Filter = filter.of(Sieve)
