"""A whole answer, as data: what host programs and guests are given alike."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

FinishReason = Literal["stop", "length", "tool_calls"]
REASONS: tuple[FinishReason, ...] = ("stop", "length", "tool_calls")


@dataclasses.dataclass(frozen=True)
class ToolCall:
    id: str
    name: str
    arguments: str  # a JSON object


@dataclasses.dataclass(frozen=True)
class Usage:
    prompt_tokens: int
    cached_tokens: int  # of prompt_tokens, taken from the prefix cache
    completion_tokens: int


@dataclasses.dataclass(frozen=True)
class Timings:
    queue_ms: float
    prefill_ms: float
    decode_ms: float


@dataclasses.dataclass(frozen=True)
class Reply:
    """A whole answer. `str(reply)` is its text; `messages` is the conversation with it, to go on from:

        reply = llm.chat([*reply.messages, {"role": "user", "content": "And then?"}])
    """

    text: str
    finish_reason: FinishReason
    usage: Usage
    timings: Timings
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    messages: list[dict] = dataclasses.field(default_factory=list, repr=False)

    def __str__(self) -> str:
        return self.text


def message_of(text: str, tool_calls: tuple[ToolCall, ...]) -> dict:
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if tool_calls:
        message["tool_calls"] = [{"id": call.id, "type": "function",
                                  "function": {"name": call.name, "arguments": call.arguments}} for call in tool_calls]
    return message
