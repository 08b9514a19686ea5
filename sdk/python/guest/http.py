"""wasi:http for a service that answers with text: one request, one answer, in pieces.

    from quern import http

    def answer(request: http.Request, response: http.Response) -> None:
        response.start(200, "text/plain")
        response.write("hello")

    IncomingHandler = http.handler(answer)
"""

from __future__ import annotations

import json

from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.imports import streams
from wit_world.imports import wasi_http_types as types

from . import _errors

_CHUNK = 4096  # bytes that one blocking write may carry, as wasi:io says


class Refused(Exception):
    """An answer that is an error: its HTTP status, and a text for people."""

    def __init__(self, status: int, text: str):
        super().__init__(text)
        self.status = status


class ClientGone(BrokenPipeError):
    """Nobody reads any more."""


class Request:
    def __init__(self, raw: types.IncomingRequest):
        self._raw = raw
        method = raw.method()
        self.method: str = getattr(method, "value", None) or type(method).__name__.removeprefix("Method_").upper()
        self.path: str = (raw.path_with_query() or "/").split("?")[0]

    def text(self, limit: int) -> str:
        """The whole body. Refused when it has more than `limit` bytes, breaks off, or is no UTF-8."""
        data = bytearray()
        with self._raw.consume() as body, body.stream() as stream:
            while True:
                try:
                    data += stream.blocking_read(_CHUNK)
                except Err as end:
                    if isinstance(end.value, streams.StreamError_Closed):
                        break
                    raise Refused(400, "the request's body broke off") from None
                if len(data) > limit:
                    raise Refused(413, f"the request's body is larger than {limit} bytes")
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise Refused(400, "the request's body is not UTF-8") from None


class Response:
    def __init__(self, out: types.ResponseOutparam):
        self._out = out
        self._body: types.OutgoingBody | None = None
        self._stream: streams.OutputStream | None = None

    @property
    def started(self) -> bool:
        return self._body is not None

    def start(self, status: int, content_type: str) -> None:
        response = types.OutgoingResponse(types.Fields.from_list([("content-type", content_type.encode())]))
        response.set_status_code(status)
        self._body = response.body()
        types.ResponseOutparam.set(self._out, Ok(response))
        self._stream = self._body.write()

    def write(self, text: str) -> None:
        """Sends it now. ClientGone when nobody reads any more."""
        data = text.encode()
        for begin in range(0, len(data), _CHUNK):
            try:
                self._stream.blocking_write_and_flush(data[begin:begin + _CHUNK])
            except Err:
                raise ClientGone from None

    def finish(self) -> None:
        """Without it the client is told that the answer broke off."""
        self._stream.__exit__(None, None, None)
        types.OutgoingBody.finish(self._body, None)


_STATUS = {
    _errors.InvalidArgumentError: 400, _errors.PermissionDeniedError: 403, _errors.NotFoundError: 404,
    _errors.ContextFullError: 413, _errors.BusyError: 503, _errors.TimeLimitError: 504,
}


def handler(answer):
    """The class that wasi:http asks for. What `answer` raises before it has started the response is told the client."""

    class IncomingHandler(exports.IncomingHandler):
        def handle(self, request: types.IncomingRequest, out: types.ResponseOutparam) -> None:
            response = Response(out)
            try:
                answer(Request(request), response)
            except ClientGone:
                return
            except (Refused, _errors.QuernError) as problem:
                if response.started:
                    raise  # too late to say it: the client sees that the answer broke off
                status = problem.status if isinstance(problem, Refused) else _STATUS.get(type(problem), 500)
                response.start(status, "application/json")
                response.write(json.dumps({"error": str(problem)}) + "\n")
            response.finish()

    return IncomingHandler
