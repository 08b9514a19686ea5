"""How does a text sound? POST it, and read the verdict as JSON while the model writes it."""

from dataclasses import dataclass
from typing import Annotated, Literal

import quern
from quern import http


@dataclass
class Verdict:
    sentiment: Literal["positive", "neutral", "negative"]
    confidence: Annotated[int, {"minimum": 0, "maximum": 100}]  # percent
    reason: Annotated[str, {"maxLength": 120}]


def answer(request: http.Request, response: http.Response) -> None:
    if request.method != "POST":
        raise http.Refused(405, "POST a text to this address")
    text = request.text(limit=64 * 1024)
    if not text.strip():
        raise http.Refused(400, "the text is empty")
    stream = quern.open().stream(text, returns=Verdict, temperature=0, max_tokens=300,
                                 system="Judge how the user's text sounds, and say in one sentence why.")
    # A client that leaves ends this instance, and the model stops.
    for piece in stream:
        if not response.started:
            response.start(200, "application/json")
        response.write(piece)
    verdict: Verdict = stream.value()
    print(f"{verdict.sentiment}, {verdict.confidence} %, {stream.reply.usage.completion_tokens} tokens")


IncomingHandler = http.handler(answer)
