"""One chat with everything around it: rounds of tool calls, then a typed result. As a generator, so that chat() and
achat() differ only in how they wait: it yields Ask and Call, and is sent what came of them."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Callable, Generator, Sequence

from ._errors import IncompleteError, InternalError
from ._reply import Reply, ToolCall
from ._schema import read, schema_of
from ._tools import Tool, result_text


@dataclasses.dataclass(frozen=True)
class Ask:
    request: dict


@dataclasses.dataclass(frozen=True)
class Call:
    tool: Tool
    arguments: str


Rounds = Generator[Any, Any, Any]


def rounds(request: dict, functions: Sequence[Callable[..., Any]], returns: Any, max_rounds: int) -> Rounds:
    reply = None
    if functions:
        reply = yield from _use_tools(request, functions, max_rounds)
        if returns is None:
            return reply
        request = {key: value for key, value in request.items() if key not in ("tools", "tool_choice")}
    if returns is None:
        return (yield Ask(request))
    return (yield from _ask_typed(request, returns))


def _use_tools(request: dict, functions: Sequence[Callable[..., Any]], max_rounds: int) -> Rounds:
    """Gives the reply that calls nothing, and leaves the conversation before it in the request. After `max_rounds`
    rounds of calls the model may call no more, and has to answer with what it knows."""
    tools = {tool.name: tool for tool in map(Tool, functions)}
    request["tools"] = [tool.schema for tool in tools.values()]
    for left in range(max_rounds, -1, -1):
        reply: Reply = yield Ask(request if left else {**request, "tool_choice": "none"})
        if not reply.tool_calls:
            return reply
        if not left:
            raise InternalError("the model called a tool when it might not")
        request["messages"] = list(reply.messages)
        for call in reply.tool_calls:
            result = yield Call(_named(tools, call), call.arguments)
            request["messages"].append({"role": "tool", "tool_call_id": call.id, "content": result_text(result)})
        # Who had to call a tool may speak once it has.
        request.pop("tool_choice", None)


def _named(tools: dict[str, Tool], call: ToolCall) -> Tool:
    if call.name not in tools:
        raise IncompleteError("the call of a tool ended before its name was whole", call.name)
    return tools[call.name]


def _ask_typed(request: dict, returns: Any) -> Rounds:
    form = {"type": "json_schema", "json_schema": {"schema": schema_of(returns)}}
    reply: Reply = yield Ask({**request, "response_format": form})
    if reply.finish_reason == "length":
        raise IncompleteError("the answer reached its length before it was whole; give it more max_tokens", reply.text)
    return read(returns, json.loads(reply.text))
