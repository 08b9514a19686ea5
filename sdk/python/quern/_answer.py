"""What a model answers, as it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generator

from . import _native
from ._errors import CancelledError
from ._reply import REASONS, Reply, Timings, ToolCall, Usage, message_of

if TYPE_CHECKING:
    from ._model import Model


class Stream:
    """An answer on its way: `for piece in stream`, `async for piece in stream`, `await stream` for the Reply.

    One reader. Leaving it, by an exception or by dropping it, cancels the answer. `cancel()` may come from any thread:
    what was made can still be read.
    """

    def __init__(self, model: Model, function: str, request: dict):
        self._model = model  # stays open while it answers
        self._answer = model._begin(lambda handle: _native.Answer(function, handle, request))
        self._messages = request.get("messages", [])
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[int, list[str]] = {}
        self._reply: Reply | None = None

    @property
    def reply(self) -> Reply:
        """The whole answer, once the stream is at its end."""
        if self._reply is None:
            raise CancelledError("the answer is not whole: read the stream to its end first")
        return self._reply

    def cancel(self) -> None:
        if self._reply is None:
            self._answer.cancel()

    def close(self) -> None:
        """Cancels what is left and frees it."""
        self._answer.close()

    def _step(self) -> str | None:
        """The next piece of text, or None: look at `_reply`, and wait."""
        answer = self._answer
        while kind := answer.next():
            if kind == _native.CONTENT:
                self._text.append(answer.text)
                return answer.text
            if kind == _native.REASONING:
                self._reasoning.append(answer.text)
            elif kind == _native.TOOL_CALL:
                call = self._calls.setdefault(answer.event.index, ["", "", ""])
                for part, said in enumerate((*answer.call, answer.text)):
                    call[part] += said
            elif kind == _native.FINISHED:
                self._finish(answer.event)
                return None
        return None

    def _finish(self, event: _native.Event) -> None:
        calls = tuple(ToolCall(*self._calls[index]) for index in sorted(self._calls))
        text = "".join(self._text)
        self._reply = Reply(
            text=text, finish_reason=REASONS[event.reason],
            usage=Usage(event.prompt_tokens, event.cached_tokens, event.completion_tokens),
            timings=Timings(event.queue_ms, event.prefill_ms, event.decode_ms),
            reasoning="".join(self._reasoning), tool_calls=calls,
            messages=[*self._messages, message_of(text, calls)])
        self.close()

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> str:
        try:
            while self._reply is None:
                piece = self._step()
                if piece is not None:
                    return piece
                if self._reply is None:
                    self._answer.wait()
        except BaseException:  # Ctrl-C too
            self.close()
            raise
        raise StopIteration

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> str:
        try:
            while self._reply is None:
                piece = self._step()
                if piece is not None:
                    return piece
                if self._reply is None:
                    await self._answer.wait_async()
        except BaseException:  # a cancelled task too
            self.close()
            raise
        raise StopAsyncIteration

    def whole(self) -> Reply:
        for _ in self:
            pass
        return self.reply

    async def _whole_async(self) -> Reply:
        async for _ in self:
            pass
        return self.reply

    def __await__(self) -> Generator[Any, None, Reply]:
        return self._whole_async().__await__()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
