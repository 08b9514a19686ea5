"""HTTP as bytes on a socket: for what a well-behaved client library would never send, or would hide."""

import dataclasses
import json
import socket


@dataclasses.dataclass
class Response:
    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key == name.lower()]
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)


class Wire:
    """One connection. Reads exactly what HTTP/1.1 says is there, and nothing beyond."""

    def __init__(self, port: int, timeout: float = 60):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, data: bytes | str):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def request(self, method: str, target: str, body: bytes | None = None, **headers: str):
        headers = {"Host": "localhost", **headers}
        lines = [f"{method} {target} HTTP/1.1"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if body is not None:
            lines += [f"Content-Length: {len(body)}"]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b""))

    def line(self) -> bytes:
        line = self.file.readline(65536)
        if not line.endswith(b"\r\n"):
            raise ConnectionError(f"the connection ended inside a line: {line!r}")
        return line[:-2]

    def head(self) -> Response:
        version, status, *_ = self.line().decode().split(" ", 2)
        assert version == "HTTP/1.1"
        headers = []
        while line := self.line():
            name, _, value = line.decode().partition(":")
            headers.append((name.lower(), value.strip()))
        return Response(int(status), headers)

    def exactly(self, size: int) -> bytes:
        data = self.file.read(size)
        if len(data) != size:
            raise ConnectionError(f"the connection ended after {len(data)} of {size} bytes")
        return data

    def chunks(self):
        """The chunks of a chunked body, each as it was sent, up to its proper end."""
        while size := int(self.line(), 16):
            data = self.exactly(size)
            assert self.line() == b""
            yield data
        assert self.line() == b"", "trailers were not announced"

    def response(self, method: str = "GET") -> Response:
        answer = self.head()
        while answer.status == 102:  # the answer proper is still to come
            answer = self.head()
        if method == "HEAD" or answer.status in (204, 304):
            return answer
        if answer.header("transfer-encoding") == "chunked":
            answer.body = b"".join(self.chunks())
        elif (length := answer.header("content-length")) is not None:
            answer.body = self.exactly(int(length))
        else:
            answer.body = self.file.read()
        return answer

    def at_end(self) -> bool:
        """Has the server closed its side, with nothing more to read?"""
        try:
            return self.file.read(1) == b""
        except ConnectionError:
            return True


def ask(port: int, method: str, target: str, body: bytes | dict | None = None, **headers: str) -> Response:
    """One request on a connection of its own."""
    if isinstance(body, dict):
        body, headers = json.dumps(body).encode(), {"Content_Type": "application/json", **headers}
    with Wire(port) as wire:
        wire.request(method, target, body, **headers)
        return wire.response(method)


def events(stream: bytes) -> list[str]:
    """The data of each server-sent event. Each must be whole, and valid UTF-8 by itself."""
    assert stream.endswith(b"\n\n"), stream[-80:]
    found = []
    for event in stream[:-2].split(b"\n\n"):
        lines = event.decode("utf-8", errors="strict").split("\n")
        assert all(line.startswith("data: ") for line in lines), event
        found.append("\n".join(line.removeprefix("data: ") for line in lines))
    return found
