"""Requests and errors of this package in the words of quern:llm (wit/deps/quern-llm/llm.wit)."""

from __future__ import annotations

import json
from typing import Any, Mapping

from componentize_py_types import Err
from wit_world.imports import quern_llm_types as words

from . import _errors

_ERRORS = {
    words.Error_InvalidArgument: _errors.InvalidArgumentError,
    words.Error_ModelNotFound: _errors.NotFoundError,
    words.Error_PermissionDenied: _errors.PermissionDeniedError,
    words.Error_BudgetExhausted: _errors.BusyError,
    words.Error_Unsupported: _errors.UnsupportedError,
    words.Error_Internal: _errors.InternalError,
}


def error_of(raised: Err) -> _errors.QuernError:
    error = raised.value
    if isinstance(error, words.Error_ContextFull):
        size = error.value
        return _errors.ContextFullError(
            f"the prompt has {size.prompt_tokens} tokens, the model's context {size.context_tokens}")
    if isinstance(error, words.Error_Overloaded):
        return _errors.BusyError(f"the model is busy; try again in {error.value} ms")
    if isinstance(error, words.Error_DeadlineExceeded):
        return _errors.TimeLimitError("the answer took longer than it was given")
    if isinstance(error, words.Error_Cancelled):
        return _errors.CancelledError("the answer was cancelled")
    return _ERRORS[type(error)](error.value)


def messages_of(request: Mapping[str, Any]) -> list[words.Message]:
    return [_message(message) for message in request["messages"]]


def _message(message: Mapping[str, Any]) -> words.Message:
    content = message.get("content") or []
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    calls = [words.ToolCall(call["id"], call["function"]["name"], call["function"]["arguments"])
             for call in message.get("tool_calls", ())]
    return words.Message(
        role=words.Role[message["role"].upper()], content=[words.Part_Text(part["text"]) for part in parts],
        name=message.get("name"), reasoning=message.get("reasoning"), tool_calls=calls,
        tool_call_id=message.get("tool_call_id"))


OPTIONS = ("max_tokens", "temperature", "top_k", "top_p", "min_p", "repeat_penalty", "repeat_last_n", "presence_penalty",
           "frequency_penalty", "seed", "stop", "logit_bias", "timeout", "grammar", "enable_thinking")


def check_options(function: str, options: Mapping[str, Any]) -> dict:
    for name in options:
        if name not in OPTIONS:
            raise TypeError(f"{function}() has no option {name!r}; there are {', '.join(OPTIONS)}")
    return dict(options)


def sampling_of(request: Mapping[str, Any]) -> words.Sampling:
    stop, timeout = request.get("stop") or [], request.get("timeout")
    return words.Sampling(
        max_tokens=request.get("max_tokens"), temperature=request.get("temperature"), top_k=request.get("top_k"),
        top_p=request.get("top_p"), min_p=request.get("min_p"), repeat_penalty=request.get("repeat_penalty"),
        repeat_last_n=request.get("repeat_last_n"), presence_penalty=request.get("presence_penalty"),
        frequency_penalty=request.get("frequency_penalty"), seed=request.get("seed"),
        logit_bias=list((request.get("logit_bias") or {}).items()), stop=[stop] if isinstance(stop, str) else list(stop),
        logprobs=None, timeout_ms=None if timeout is None else max(0, round(timeout * 1000)))


def format_of(request: Mapping[str, Any]) -> Any:
    wanted = request.get("response_format")
    if wanted:
        return words.ResponseFormat_JsonSchema(json.dumps(wanted["json_schema"]["schema"]))
    if request.get("grammar"):
        return words.ResponseFormat_Grammar(request["grammar"])
    return words.ResponseFormat_Text()


_CHOICES = {"auto": words.ToolChoice_Auto, "none": words.ToolChoice_None_, "required": words.ToolChoice_Required}


def options_of(request: Mapping[str, Any]) -> words.ChatOptions:
    tools = [tool["function"] for tool in request.get("tools", ())]
    choice = request.get("tool_choice", "auto")
    if choice not in _CHOICES:
        raise _errors.InvalidArgumentError(f"tool_choice is {choice!r}; there are {', '.join(_CHOICES)}")
    return words.ChatOptions(
        sampling=sampling_of(request), format=format_of(request),
        tools=[words.Tool(tool["name"], tool["description"], json.dumps(tool["parameters"])) for tool in tools],
        tool_choice=_CHOICES[choice](), parallel_tool_calls=True, enable_thinking=request.get("enable_thinking"))
