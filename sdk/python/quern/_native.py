"""quern.h by ctypes: the only module that knows of pointers. ctypes gives the GIL away during each call."""

from __future__ import annotations

import array
import asyncio
import ctypes
import json
import os
import pathlib
import select
import threading
from ctypes import POINTER, byref, c_char_p, c_double, c_float, c_int, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any, Callable, Sequence

from ._errors import BY_STATUS, CancelledError, InternalError, InvalidArgumentError, QuernError

NOTHING, CONTENT, REASONING, TOOL_CALL, FINISHED = range(5)


class Event(ctypes.Structure):
    _fields_ = [
        ("kind", c_int32), ("index", c_uint32), ("text", c_void_p), ("text_size", c_size_t),
        ("id", c_char_p), ("name", c_char_p), ("reason", c_int32), ("prompt_tokens", c_uint32),
        ("cached_tokens", c_uint32), ("completion_tokens", c_uint32),
        ("queue_ms", c_double), ("prefill_ms", c_double), ("decode_ms", c_double),
    ]


PROGRESS = ctypes.CFUNCTYPE(c_int, c_void_p, c_char_p, c_uint64, c_uint64)
# Texts go in as bytes; what a function gives is a pointer of ours to free.
_OUT = POINTER(c_void_p)
_SIGNATURES: dict[str, list] = {
    "quern_log_level": [c_char_p],
    "quern_engine_open": [c_char_p, POINTER(c_uint64)],
    "quern_engine_device": [c_uint64, _OUT],
    "quern_model_load": [c_uint64, c_char_p, PROGRESS, c_void_p, POINTER(c_uint64)],
    "quern_model_info": [c_uint64, _OUT],
    "quern_model_activity": [c_uint64, _OUT],
    "quern_model_tokenize": [c_uint64, c_char_p, c_size_t, c_int, _OUT, POINTER(c_size_t)],
    "quern_model_detokenize": [c_uint64, c_void_p, c_size_t, _OUT, POINTER(c_size_t)],
    "quern_model_count_tokens": [c_uint64, c_char_p, c_size_t, POINTER(c_uint32)],
    "quern_chat": [c_uint64, c_char_p, c_size_t, POINTER(c_uint64)],
    "quern_complete": [c_uint64, c_char_p, c_size_t, POINTER(c_uint64)],
    "quern_answer_next": [c_uint64, POINTER(Event)],
    "quern_answer_cancel": [c_uint64],
    "quern_embed": [c_uint64, POINTER(c_char_p), POINTER(c_size_t), c_size_t, POINTER(c_uint64)],
    "quern_embedding_take": [c_uint64, _OUT, POINTER(c_size_t), POINTER(c_size_t), POINTER(c_uint32)],
    "quern_descriptor": [c_uint64, POINTER(c_int)],
}


def _load_library() -> ctypes.CDLL:
    # QUERN_LIBRARY is for a build tree; a wheel has the library beside this file.
    path = os.environ.get("QUERN_LIBRARY") or pathlib.Path(__file__).parent / "lib" / "libquern.so"
    try:
        library = ctypes.CDLL(str(path))
    except OSError as why:
        raise ImportError(f"quern's native library cannot be loaded: {why}") from why
    for name, arguments in _SIGNATURES.items():
        getattr(library, name).argtypes = [*arguments, _OUT]
    library.quern_close.argtypes = [c_uint64]
    library.quern_free.argtypes, library.quern_free.restype = [c_void_p], None
    library.quern_version.restype = c_char_p
    return library


_library = _load_library()
_answer_next = _library.quern_answer_next


def version() -> str:
    return _library.quern_version().decode()


def failure(status: int, why: c_void_p) -> QuernError:
    """The exception for a status; frees what the library said."""
    text = "out of memory" if status == 5 else "internal error"
    if why.value:
        text = ctypes.string_at(why.value).decode("utf-8", "replace")
        _library.quern_free(why)
        why.value = None
    return BY_STATUS.get(status, InternalError)(text)


def _call(name: str, *arguments: Any) -> None:
    why = c_void_p()
    status = getattr(_library, name)(*arguments, byref(why))
    if status:
        raise failure(status, why)


def _take(pointer: c_void_p, size: int) -> bytes:
    try:
        return ctypes.string_at(pointer, size)
    finally:
        _library.quern_free(pointer)


def _json(value: dict) -> bytes:
    return json.dumps(value, allow_nan=False).encode()


def _take_text(name: str, handle: int) -> str:
    out = c_void_p()
    _call(name, handle, byref(out))
    try:
        return ctypes.string_at(out).decode()
    finally:
        _library.quern_free(out)


def log_level(level: str) -> None:
    _call("quern_log_level", level.encode())


def open_engine(options: dict) -> int:
    handle = c_uint64()
    _call("quern_engine_open", _json(options), byref(handle))
    return handle.value


def device(engine: int) -> str:
    return _take_text("quern_engine_device", engine)


def load_model(engine: int, reference: str, progress: Callable[[str, int, int], Any] | None) -> int:
    """Blocks. What `progress` raises, Ctrl-C among it, ends the download and is raised here."""
    raised: list[BaseException] = []

    def report(_context, source, done, total):
        try:
            if progress is not None:
                progress(source.decode("utf-8", "replace"), done, total)
        except BaseException as error:  # noqa: BLE001: nothing may pass through the C frames
            raised.append(error)
        return 1 if raised else 0

    if "\0" in reference:
        raise InvalidArgumentError("a model's name holds no zero byte")
    handle = c_uint64()
    try:
        _call("quern_model_load", engine, reference.encode(), PROGRESS(report), None, byref(handle))
    except QuernError:
        if raised:
            raise raised[0] from None
        raise
    if raised:  # with the last report, when all was there
        close(handle.value)
        raise raised[0]
    return handle.value


def model_info(model: int) -> dict:
    return json.loads(_take_text("quern_model_info", model))


def model_activity(model: int) -> dict:
    return json.loads(_take_text("quern_model_activity", model))


def tokenize(model: int, text: str, special: bool) -> array.array:
    data, out, count = text.encode(), c_void_p(), c_size_t()
    _call("quern_model_tokenize", model, data, len(data), int(special), byref(out), byref(count))
    tokens = array.array("i")
    tokens.frombytes(_take(out, count.value * tokens.itemsize))
    return tokens


def detokenize(model: int, tokens: array.array) -> bytes:
    if not tokens:
        return b""
    out, size = c_void_p(), c_size_t()
    _call("quern_model_detokenize", model, *tokens.buffer_info(), byref(out), byref(size))
    return _take(out, size.value)


def count_tokens(model: int, request: dict) -> int:
    data, count = _json(request), c_uint32()
    _call("quern_model_count_tokens", model, data, len(data), byref(count))
    return count.value


class Pending:
    """Something on its way behind a handle. The descriptor is readable while there is something to take; it is a
    duplicate, so that a thread that waits on it still waits on the right one when another thread closes the handle."""

    handle = 0
    _descriptor = -1

    def __init__(self, handle: int):
        self.handle = handle
        descriptor = c_int()
        _call("quern_descriptor", handle, byref(descriptor))
        self._descriptor = os.dup(descriptor.value)
        self._poller = select.poll()
        self._poller.register(self._descriptor, select.POLLIN)

    def wait(self) -> None:
        self._poller.poll()

    async def wait_async(self) -> None:
        loop = asyncio.get_running_loop()
        there = loop.create_future()

        def readable() -> None:
            if not there.done():
                there.set_result(None)

        loop.add_reader(self._descriptor, readable)
        try:
            await there
        finally:
            loop.remove_reader(self._descriptor)

    def close(self) -> None:
        """From any thread; whoever waits is woken."""
        handle, self.handle = self.handle, 0
        if handle:
            close(handle)

    def __del__(self) -> None:
        if close is None:  # at the interpreter's end modules go first
            return
        self.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)


class Answer(Pending):
    def __init__(self, function: str, model: int, request: dict):
        self._lock = threading.Lock()
        data, handle = _json(request), c_uint64()
        _call(function, model, data, len(data), byref(handle))
        super().__init__(handle.value)
        self.event = Event()
        self.text = ""
        self.call = ("", "")  # id and name, where they are told
        self._why = c_void_p()
        self._arguments = (byref(self.event), byref(self._why))

    def next(self) -> int:
        """The next event's kind; NOTHING: wait. What it says is in `text`, `call` and `event`. The way of every token.

        Under a lock, because the event points into what close() frees.
        """
        with self._lock:
            if not self.handle:
                raise CancelledError("the answer was closed before its end")
            status = _answer_next(self.handle, *self._arguments)
            if status:
                raise failure(status, self._why)
            event = self.event
            kind = event.kind
            if event.text_size:
                self.text = ctypes.string_at(event.text, event.text_size).decode("utf-8", "replace")
            else:
                self.text = ""
            if kind == TOOL_CALL:
                self.call = ((event.id or b"").decode(), (event.name or b"").decode())
            return kind

    def cancel(self) -> None:
        _call("quern_answer_cancel", self.handle)

    def close(self) -> None:
        with self._lock:
            super().close()


class Embedding(Pending):
    def __init__(self, model: int, texts: Sequence[str]):
        coded = [text.encode() for text in texts]
        count, handle = len(coded), c_uint64()
        _call("quern_embed", model, (c_char_p * count)(*coded), (c_size_t * count)(*map(len, coded)), count, byref(handle))
        super().__init__(handle.value)

    def take(self) -> tuple[array.array, int, int, int] | None:
        """Vectors one after the other, rows, columns, tokens; None while they are not there."""
        out, rows, columns, tokens = c_void_p(), c_size_t(), c_size_t(), c_uint32()
        _call("quern_embedding_take", self.handle, byref(out), byref(rows), byref(columns), byref(tokens))
        if not out.value:
            return None
        vectors = array.array("f")
        vectors.frombytes(_take(out, rows.value * columns.value * ctypes.sizeof(c_float)))
        return vectors, rows.value, columns.value, tokens.value


def close(handle: int) -> None:
    """Never fails: a handle that is gone is closed."""
    _library.quern_close(handle)
