"""Models that the host lends, and all that they can be asked."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Callable, Iterable, Iterator, Mapping, Sequence

from componentize_py_types import Err
from wit_world.imports import inference
from wit_world.imports import quern_llm_types as words

from ._errors import CancelledError, IncompleteError
from ._reply import REASONS, Reply, Timings, ToolCall, Usage, message_of
from ._rounds import Ask, rounds
from ._schema import read, schema_of
from ._words import check_options, error_of, format_of, messages_of, options_of, sampling_of


@dataclasses.dataclass(frozen=True)
class Embeddings:
    vectors: list[list[float]]  # one per text, of length 1: the dot product of two is their cosine
    prompt_tokens: int


def _asked(function: Callable, *arguments: Any) -> Any:
    """What the host answers; its errors as this package's exceptions."""
    try:
        return function(*arguments)
    except Err as raised:
        raise error_of(raised) from None


class Stream:
    """An answer on its way: `for piece in stream`. Closing it, leaving a `with`, or dropping it cancels what is left."""

    def __init__(self, generation: inference.Generation, messages: Sequence[dict] = (), returns: Any = None):
        self._generation = generation
        self._messages = messages
        self._returns = returns
        self._events: Iterator[Any] = iter(())
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[int, list[str]] = {}
        self._reply: Reply | None = None
        self._open = True

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> str:
        """The next piece of text; waits for it."""
        while self._reply is None:
            event = next(self._events, None)
            if event is None:
                self._events = iter(self._read())
            elif isinstance(event, words.Event_Content):
                self._text.append(event.value)
                return event.value
            else:
                self._take(event)
        raise StopIteration

    def _read(self) -> list:
        if not self._open:
            raise CancelledError("the answer was closed before its end")
        try:
            return _asked(self._generation.blocking_read)
        except BaseException:
            self.close()
            raise

    def _take(self, event: Any) -> None:
        if isinstance(event, words.Event_Reasoning):
            self._reasoning.append(event.value)
        elif isinstance(event, words.Event_ToolCall):
            delta = event.value
            call = self._calls.setdefault(delta.index, ["", "", ""])
            for part, said in enumerate((delta.id, delta.name, delta.arguments)):
                call[part] += said or ""
        elif isinstance(event, words.Event_Finished):
            self._finish(event.value)

    def _finish(self, summary: words.Summary) -> None:
        calls = tuple(ToolCall(*self._calls[index]) for index in sorted(self._calls))
        text = "".join(self._text)
        usage, timings = summary.usage, summary.timings
        self._reply = Reply(
            text=text, finish_reason=REASONS[summary.reason.value],
            usage=Usage(usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens),
            timings=Timings(timings.queue_ms, timings.prefill_ms, timings.decode_ms),
            reasoning="".join(self._reasoning), tool_calls=calls,
            messages=[*self._messages, message_of(text, calls)])
        self.close()

    @property
    def reply(self) -> Reply:
        """The whole answer, once the stream is at its end."""
        if self._reply is None:
            raise CancelledError("the answer is not whole: read the stream to its end first")
        return self._reply

    def whole(self) -> Reply:
        for _ in self:
            pass
        return self.reply

    def value(self) -> Any:
        """The answer as what `returns` named, once it is whole; waits for that. IncompleteError when max_tokens cut it."""
        reply = self.whole()
        if reply.finish_reason == "length":
            raise IncompleteError("the answer reached its length before it was whole; give it more max_tokens", reply.text)
        return read(self._returns, json.loads(reply.text))

    def cancel(self) -> None:
        """Ends the answer early: what was made can still be read, and then the stream is at its end."""
        if self._open:
            self._generation.cancel()

    def close(self) -> None:
        """Cancels what is left and frees it."""
        if self._open:
            self._open = False
            self._generation.__exit__(None, None, None)

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Model:
    """A model that the host granted. Made by quern.open()."""

    def __init__(self, handle: inference.Model):
        self._handle = handle
        self.info: words.ModelInfo = handle.info()

    def chat(self, prompt: str | Sequence[Mapping[str, Any]], *, returns: Any = None, system: str | None = None,
             tools: Sequence[Callable[..., Any]] = (), tool_choice: str | None = None, max_rounds: int = 8,
             **options: Any) -> Any:
        """Asks and waits for the whole answer: a Reply, or with `returns` a value of that type.

        prompt: a text, or a conversation: [{"role": "user", "content": "..."}, ...].
        returns: a type (a dataclass, TypedDict, list[str], ...) or a JSON Schema that the answer is forced into.
        tools: functions that the model may call; their parameters need types. What they raise is raised.
        max_rounds: answers that may call tools; after them the model has to answer with what it knows.
        """
        steps = rounds(self._request("chat", prompt, system, tool_choice, options), tools, returns, max_rounds)
        result = None
        try:
            while True:
                step = steps.send(result)
                result = self._begin(step.request).whole() if isinstance(step, Ask) else step.tool.call(step.arguments)
        except StopIteration as end:
            return end.value

    def stream(self, prompt: str | Sequence[Mapping[str, Any]], *, returns: Any = None, system: str | None = None,
               **options: Any) -> Stream:
        """The answer piece by piece; with `returns` it is JSON of that form, and stream.value() what it says."""
        request = self._request("stream", prompt, system, None, options)
        if returns is not None:
            request["response_format"] = {"json_schema": {"schema": schema_of(returns)}}
        return self._begin(request, returns)

    def complete(self, prompt: str, **options: Any) -> Stream:
        """Goes on with raw text, without a chat template."""
        request = check_options("complete", options)
        return Stream(_asked(self._handle.complete, prompt, sampling_of(request), format_of(request)))

    def embed(self, texts: Iterable[str]) -> Embeddings:
        """One vector per text."""
        if isinstance(texts, str):
            raise TypeError("embed() takes a list of texts; put this one into brackets")
        result = _asked(self._handle.embed, list(texts))
        return Embeddings(result.vectors, result.prompt_tokens)

    def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """The text's tokens. `special`: control words in the text are control tokens."""
        return _asked(self._handle.tokenize, text, special)

    def detokenize(self, tokens: Iterable[int]) -> str:
        """Their text; bytes that are no whole character become U+FFFD."""
        return _asked(self._handle.detokenize, list(tokens)).decode("utf-8", "replace")

    def count_tokens(self, prompt: str | Sequence[Mapping[str, Any]], *, system: str | None = None) -> int:
        """How long the prompt of a chat would be, its template included."""
        request = self._request("count_tokens", prompt, system, None, {})
        return _asked(self._handle.count_tokens, messages_of(request), options_of(request))

    def _request(self, function: str, prompt: Any, system: str | None, tool_choice: str | None,
                 options: Mapping[str, Any]) -> dict:
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else [dict(m) for m in prompt]
        if system is not None:
            messages.insert(0, {"role": "system", "content": system})
        request = {"messages": messages, **check_options(function, options)}
        if tool_choice is not None:
            request["tool_choice"] = tool_choice
        return request

    def _begin(self, request: dict, returns: Any = None) -> Stream:
        generation = _asked(self._handle.chat, messages_of(request), options_of(request))
        return Stream(generation, request["messages"], returns)


def open(name: str = "default") -> Model:
    """A model by the name it was granted under; "default" is the first."""
    return Model(_asked(inference.Model.open, name))


def granted_models() -> list[words.ModelInfo]:
    """Those that this guest may use and that are here."""
    return inference.granted_models()
