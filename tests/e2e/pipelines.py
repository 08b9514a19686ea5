"""Pipelines as a user starts them, and a Forward client that waits for acknowledgements."""

import base64
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import time
import urllib.request

import quern


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(what, seconds=30.0, every=0.02):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = what()
        if answer:
            return answer
        time.sleep(every)
    raise AssertionError(f"not within {seconds} s")


class Pipeline:
    """`quern pipe FILE`, running."""

    def __init__(self, folder: pathlib.Path, text: str, wait=True):
        self.file = folder / "pipe.toml"
        self.file.write_text(text)
        self.log = folder / "pipe.log"
        self.start(wait)

    def start(self, wait=True):
        self.address_file().unlink(missing_ok=True)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([quern.binary(), "pipe", self.file], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if wait:
            wait_until(lambda: self.address_file().exists() or self.process.poll() is not None)
            assert self.process.poll() is None, self.log.read_text()

    def address_file(self) -> pathlib.Path:
        return self.file.with_suffix(".state") / "control" / "address"

    def call(self, path, method="GET"):
        url, token = self.address_file().read_text().split()[:2]
        request = urllib.request.Request(url + path, method=method, headers={"authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode()

    def stage(self, name) -> dict:
        return next(s for s in json.loads(self.call("/api/stages"))["stages"] if s["name"] == name)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()


# MessagePack, as much of it as a client needs (https://github.com/msgpack/msgpack/blob/master/spec.md).
def pack(value) -> bytes:
    match value:
        case bool():
            return b"\xc3" if value else b"\xc2"
        case int():
            return struct.pack(">Bq", 0xD3, value)
        case str():
            return struct.pack(">BI", 0xDB, len(value.encode())) + value.encode()
        case bytes():
            return struct.pack(">BI", 0xC6, len(value)) + value
        case list():
            return struct.pack(">BI", 0xDD, len(value)) + b"".join(map(pack, value))
        case dict():
            return struct.pack(">BI", 0xDF, len(value)) + b"".join(pack(k) + pack(v) for k, v in value.items())
    raise TypeError(type(value))


class ForwardClient:
    """Sends chunks in the Forward mode and knows which were acknowledged."""

    def __init__(self, port, timeout=10.0):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)

    def send(self, tag, records, seconds=1_700_000_000) -> bool:
        """True once the server says that it has them."""
        chunk = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(pack([tag, [[seconds, record] for record in records], {"chunk": chunk, "size": len(records)}]))
        answer = b""
        while chunk.encode() not in answer:
            got = self.socket.recv(4096)
            if not got:
                return False
            answer += got
        return True

    def close(self):
        self.socket.close()


def connected(port, seconds=30.0) -> ForwardClient:
    def attempt():
        with contextlib.suppress(OSError):
            return ForwardClient(port)
    return wait_until(attempt, seconds)


def numbers_in(folder: pathlib.Path, pattern="*.log*") -> list:
    """The numbers behind "n": of all lines in the files of an output."""
    return [int(n) for file in sorted(folder.glob(pattern)) for n in re.findall(r'"n":(\d+)', file.read_text())]
