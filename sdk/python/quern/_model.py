"""Models: loading them, and all that they can be asked."""

from __future__ import annotations

import array
import atexit
import collections.abc
import dataclasses
import inspect
import os
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any, Callable, Iterable, Mapping, Sequence, TypedDict, TypeVar, Union, overload

from . import _native
from ._answer import Stream
from ._errors import InvalidArgumentError
from ._reply import Reply
from ._rounds import Ask, Rounds, rounds
from ._vectors import Vectors

if TYPE_CHECKING:
    from typing_extensions import Unpack

T = TypeVar("T")
P = TypeVar("P", bound=_native.Pending)
Prompt = Union[str, Sequence[Mapping[str, Any]]]
Progress = Callable[[str, int, int], Any]
Path = Union[str, "os.PathLike[str]"]
Lora = Union[Path, Sequence[Path], Mapping[Path, float]]


class Options(TypedDict, total=False):
    """How to sample and shape an answer. What is not given is the model's own default."""

    max_tokens: int
    temperature: float  # 0 to 2; 0 takes the likeliest token always
    top_k: int
    top_p: float
    min_p: float
    repeat_penalty: float
    repeat_last_n: int
    presence_penalty: float
    frequency_penalty: float
    seed: int
    stop: str | Sequence[str]
    logit_bias: Mapping[int, float]
    timeout: float  # seconds
    grammar: str  # GBNF
    enable_thinking: bool


@dataclasses.dataclass(frozen=True)
class ModelInfo:
    name: str
    architecture: str
    parameters: int
    size_bytes: int
    context_tokens: int  # that one conversation may hold here
    embedding_length: int
    vocabulary: int
    chat: bool  # the file has a chat template
    digest: str  # "sha256:..." or empty
    created: int  # seconds since 1970


_open_models: weakref.WeakSet[Model] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """The library's threads end before the interpreter does."""
    for model in list(_open_models):
        model.close()


def _unlock_all() -> None:
    """In a forked child, which has no thread that could: every use of a model is told there so."""
    for model in list(_open_models):
        model._lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock_all)


class Model:
    """A loaded model. Made by quern.load(); every method may be called from any thread, and many at once: they
    are computed together. `close()`, `with`, or dropping the last reference frees its memory."""

    def __init__(self, reference: str, options: dict, progress: Progress | None = None):
        self._engine = self._handle = 0
        self._lock = threading.RLock()  # of what it has open; close() leaves nothing behind
        self._under_way: weakref.WeakSet[_native.Pending] = weakref.WeakSet()
        self._engine = _native.open_engine(options)
        try:
            self._handle = _native.load_model(self._engine, reference, progress)
            self.info = ModelInfo(**_native.model_info(self._handle))
        except BaseException:
            self.close()
            raise
        _open_models.add(self)

    # ---- chat ----

    @overload
    def chat(self, prompt: Prompt, *, system: str | None = None, tools: Sequence[Callable[..., Any]] = (),
             tool_choice: str | None = None, max_rounds: int = 8, **options: Unpack[Options]) -> Reply: ...

    @overload
    def chat(self, prompt: Prompt, *, returns: type[T], system: str | None = None,
             tools: Sequence[Callable[..., Any]] = (), tool_choice: str | None = None, max_rounds: int = 8,
             **options: Unpack[Options]) -> T: ...

    @overload
    def chat(self, prompt: Prompt, *, returns: Any, system: str | None = None,
             tools: Sequence[Callable[..., Any]] = (), tool_choice: str | None = None, max_rounds: int = 8,
             **options: Unpack[Options]) -> Any: ...

    def chat(self, prompt, *, returns=None, system=None, tools=(), tool_choice=None, max_rounds=8, **options):
        """Asks and waits for the whole answer.

        prompt: a text, or a conversation: [{"role": "user", "content": "..."}, ...].
        returns: a type (a dataclass, TypedDict, pydantic model, list[str], ...) or a JSON Schema. The model can
            only answer in that form, and that is what comes back. IncompleteError when max_tokens cut it.
        tools: functions that the model may call; their parameters need types. They are called here, one after the
            other, and what they raise is raised. With `returns`, the result is asked for after the last call.
        tool_choice: "auto", "none", or "required" for the first round.
        max_rounds: answers that may call tools; after them the model has to answer with what it knows.
        """
        return self._drive(rounds(self._request(prompt, system, tool_choice, options), tools, returns, max_rounds))

    @overload
    async def achat(self, prompt: Prompt, *, system: str | None = None, tools: Sequence[Callable[..., Any]] = (),
                    tool_choice: str | None = None, max_rounds: int = 8, **options: Unpack[Options]) -> Reply: ...

    @overload
    async def achat(self, prompt: Prompt, *, returns: type[T], system: str | None = None,
                    tools: Sequence[Callable[..., Any]] = (), tool_choice: str | None = None, max_rounds: int = 8,
                    **options: Unpack[Options]) -> T: ...

    @overload
    async def achat(self, prompt: Prompt, *, returns: Any, system: str | None = None,
                    tools: Sequence[Callable[..., Any]] = (), tool_choice: str | None = None, max_rounds: int = 8,
                    **options: Unpack[Options]) -> Any: ...

    async def achat(self, prompt, *, returns=None, system=None, tools=(), tool_choice=None, max_rounds=8, **options):
        """chat() for asyncio; tools may be coroutine functions. Cancelling the task cancels the answer."""
        steps = rounds(self._request(prompt, system, tool_choice, options), tools, returns, max_rounds)
        return await self._drive_async(steps)

    def stream(self, prompt: Prompt, *, system: str | None = None, **options: Unpack[Options]) -> Stream:
        """The answer piece by piece: `for piece in llm.stream(...)`, `async for`, or `await` for the whole."""
        return Stream(self, "quern_chat", self._request(prompt, system, None, options))

    def complete(self, prompt: str, **options: Unpack[Options]) -> Stream:
        """Goes on with raw text, without a chat template: a stream too; `llm.complete(...).whole()` waits."""
        return Stream(self, "quern_complete", {"prompt": prompt, **_wire_options("complete", options)})

    def _request(self, prompt: Prompt, system: str | None, tool_choice: str | None, options: Mapping[str, Any]) -> dict:
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else [dict(m) for m in prompt]
        if system is not None:
            messages.insert(0, {"role": "system", "content": system})
        request = {"messages": messages, **_wire_options("chat", options)}
        if tool_choice is not None:
            request["tool_choice"] = tool_choice
        return request

    def _drive(self, steps: Rounds) -> Any:
        result = None
        try:
            while True:
                step = steps.send(result)
                if isinstance(step, Ask):
                    result = Stream(self, "quern_chat", step.request).whole()
                    continue
                result = step.tool.call(step.arguments)
                if inspect.iscoroutine(result):
                    result.close()
                    raise TypeError(f"{step.tool.name}() is a coroutine function: use achat()")
        except StopIteration as end:
            return end.value

    async def _drive_async(self, steps: Rounds) -> Any:
        result = None
        while True:
            try:
                step = steps.send(result)
            except StopIteration as end:
                return end.value
            result = await Stream(self, "quern_chat", step.request) if isinstance(step, Ask) else step.tool.call(step.arguments)
            if inspect.isawaitable(result):
                result = await result

    # ---- embeddings and tokens ----

    @overload
    def embed(self, texts: str) -> array.array: ...  # type: ignore[overload-overlap]

    @overload
    def embed(self, texts: Iterable[str]) -> Vectors: ...

    def embed(self, texts):
        """Vectors of length 1: of one text an array("f"), of several a Vectors. NumPy's asarray takes both as they lie."""
        embedding = self._embedding(texts)
        try:
            while (result := embedding.take()) is None:
                embedding.wait()
        finally:
            embedding.close()
        return _vectors_of(texts, result)

    @overload
    async def aembed(self, texts: str) -> array.array: ...  # type: ignore[overload-overlap]

    @overload
    async def aembed(self, texts: Iterable[str]) -> Vectors: ...

    async def aembed(self, texts):
        """embed() for asyncio."""
        embedding = self._embedding(texts)
        try:
            while (result := embedding.take()) is None:
                await embedding.wait_async()
        finally:
            embedding.close()
        return _vectors_of(texts, result)

    def _embedding(self, texts: str | Iterable[str]) -> _native.Embedding:
        several = [texts] if isinstance(texts, str) else list(texts)
        for text in several:
            if not isinstance(text, str):
                raise TypeError(f"embed() takes texts, not {type(text).__name__}")
        return self._begin(lambda handle: _native.Embedding(handle, several))

    def tokenize(self, text: str, *, special: bool = False) -> array.array:
        """The text's tokens, an array("i"). `special`: control words in the text are control tokens."""
        return _native.tokenize(self._open(), text, special)

    def detokenize(self, tokens: Iterable[int]) -> str:
        """Their text; a NumPy array will do. Bytes that are no whole character become U+FFFD."""
        return _native.detokenize(self._open(), array.array("i", map(int, tokens))).decode("utf-8", "replace")

    def count_tokens(self, prompt: Prompt, *, system: str | None = None) -> int:
        """How long the prompt of a chat would be, its template included."""
        return _native.count_tokens(self._open(), self._request(prompt, system, None, {}))

    # ---- the model itself ----

    @property
    def device(self) -> str:
        """The kernels in use, as in "icelake, 2 threads"."""
        self._open()
        return _native.device(self._engine)

    def activity(self) -> dict[str, int]:
        """How busy it is now: running, waiting, cached_tokens and totals."""
        return _native.model_activity(self._open())

    def _open(self) -> int:
        if not self._handle:
            raise InvalidArgumentError("this model was closed")
        return self._handle

    def _begin(self, start: Callable[[int], P]) -> P:
        """What start(handle) opens; close() closes it before the model."""
        with self._lock:
            pending = start(self._open())
            self._under_way.add(pending)
            return pending

    def close(self) -> None:
        """Ends every answer under way and frees the memory. Closing twice is fine."""
        with self._lock:
            engine, self._engine, self._handle = self._engine, 0, 0
            under_way, self._under_way = list(self._under_way), weakref.WeakSet()
        for pending in under_way:
            pending.close()
        if engine:
            _native.close(engine)

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if _native is not None:  # at the interpreter's end modules go first
            self.close()

    def __repr__(self) -> str:
        return f"<quern.Model {self.info.name!r}{'' if self._engine else ', closed'}>"


def _wire_options(function: str, options: Mapping[str, Any]) -> dict:
    unknown = options.keys() - Options.__annotations__.keys()
    if unknown:
        known = ", ".join(Options.__annotations__)
        raise TypeError(f"{function}() has no option {sorted(unknown)[0]!r}; there are {known}")
    wire = {name: value for name, value in options.items() if value is not None}
    if "timeout" in wire:
        wire["timeout_ms"] = max(0, round(wire.pop("timeout") * 1000))
    if "stop" in wire and not isinstance(wire["stop"], str):
        wire["stop"] = list(wire["stop"])
    if "logit_bias" in wire:
        wire["logit_bias"] = {str(token): bias for token, bias in wire["logit_bias"].items()}
    return wire


def _vectors_of(texts: str | Iterable[str], result: tuple[array.array, int, int, int]) -> Any:
    return result[0] if isinstance(texts, str) else Vectors(*result)


def _show_progress(source: str, done: int, total: int) -> None:
    share = f"{100 * done // total} %" if total else f"{done >> 20} MiB"
    print(f"\rquern: getting {source}: {share} ", end="" if done != total else "\n", file=sys.stderr, flush=True)


def load(reference: str | os.PathLike[str], *, context_tokens: int = 0, threads: int = 0, max_running: int = 16,
         cache_tokens: int = 16384, lora: Lora = (), progress: Progress | None = None) -> Model:
    """Loads a model into this process.

    reference: a name of the catalog ("smollm2-135m-instruct"), the path of a GGUF file, "hub:OWNER/REPO[/FILE]", an
        https address, or a pack: the path of a FILE.wasm that `quern pack` made, or REGISTRY/NAME[:TAG][@DIGEST].
        Weights that are not here are downloaded and verified first, once for every program on this machine.
    context_tokens: that one conversation may hold; 0: the model's own length, at most 8192.
    threads: 0: the processors that this process may use.
    max_running: answers that are computed together.
    cache_tokens: of prompts that are kept for whoever begins alike; 0: none.
    lora: LoRA adapters (GGUF) that are added to the weights: a path, several of them, or {path: scale}.
    progress: called with (source, bytes done, bytes in all or 0) while weights are fetched. Left out: a line on a
        terminal's stderr.
    """
    if progress is None and sys.stderr is not None and sys.stderr.isatty():
        progress = _show_progress
    if isinstance(lora, (str, os.PathLike)):
        lora = [lora]
    scales = dict(lora) if isinstance(lora, collections.abc.Mapping) else {path: 1.0 for path in lora}
    adapters = [{"file": os.fspath(path), "scale": scale} for path, scale in scales.items()]
    options = {"adapters": adapters, "context_tokens": context_tokens, "threads": threads, "max_running": max_running, "cache_tokens": cache_tokens}
    return Model(os.fspath(reference), options, progress)


def fake(script: Sequence[Mapping[str, Any]]) -> Model:
    """A model without weights, for tests of your own program. It says what the script says to a prompt that contains
    `when` (left out: to any); the first entry that fits wins:

        quern.fake([{"when": "weather", "call": {"name": "weather", "arguments": "{}"}},
                    {"say": ["Hello", "."], "delay_ms": 5}])
    """
    return Model("fake", {"fake_script": list(script)})
