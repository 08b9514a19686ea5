"""A wasi:http service made by componentize-py: the same service as js/web.js."""

import asyncio
from urllib.parse import parse_qs, urlsplit

import poll_loop
from componentize_py_types import Err, Ok
from poll_loop import PollLoop, Sink, Stream
from wit_world.exports import IncomingHandler as Exported
from wit_world.imports.types import (
    Fields,
    IncomingRequest,
    OutgoingRequest,
    OutgoingResponse,
    ResponseOutparam,
    Scheme_Http,
)


visits = 0  # by this instance; a fresh one has had none


class IncomingHandler(Exported):
    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        loop = PollLoop()
        asyncio.set_event_loop(loop)
        loop.run_until_complete(answer(request, response_out))


async def answer(request: IncomingRequest, out: ResponseOutparam) -> None:
    target = urlsplit(request.path_with_query() or "/")
    query = {name: values[0] for name, values in parse_qs(target.query).items()}
    match target.path:
        case "/hello":
            await respond(out, 200, b"hello from python\n")
        case "/visits":
            global visits
            visits += 1
            await respond(out, 200, f"visit {visits}\n".encode())
        case "/echo":
            body = start(out, 200)
            stream = Stream(request.consume())
            while (chunk := await stream.next()) is not None:
                await body.send(chunk)
            body.close()
        case "/count":
            body = start(out, 200)
            for line in range(int(query["n"])):
                await body.send(f"line {line}\n".encode())
            body.close()
        case "/header":
            values = request.headers().get(query["name"])
            await respond(out, 200, b",".join(values) + b"\n")
        case "/fetch":
            await fetch(out, query["authority"], query.get("path", "/"))
        case "/trap":
            # Ends the event loop before an answer is given: Python's exception becomes a trap.
            raise RuntimeError("the guest gives up")
        case "/spin":
            while True:
                pass
        case _:
            await respond(out, 404, b"no such path\n")


def start(out: ResponseOutparam, status: int) -> Sink:
    response = OutgoingResponse(Fields.from_list([("content-type", b"text/plain")]))
    response.set_status_code(status)
    body = response.body()
    ResponseOutparam.set(out, Ok(response))
    return Sink(body)


async def respond(out: ResponseOutparam, status: int, text: bytes) -> None:
    sink = start(out, status)
    await sink.send(text)
    sink.close()


async def fetch(out: ResponseOutparam, authority: str, path: str) -> None:
    request = OutgoingRequest(Fields())
    request.set_scheme(Scheme_Http())
    request.set_authority(authority)
    request.set_path_with_query(path)
    try:
        response = await poll_loop.send(request)
    except Err as error:
        await respond(out, 502, f"{type(error.value).__name__}\n".encode())
        return
    sink = start(out, response.status())
    stream = Stream(response.consume())
    while (chunk := await stream.next()) is not None:
        await sink.send(chunk)
    sink.close()
