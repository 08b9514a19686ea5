"""Servers and clients made for WasmEdge, under `quern run`'s grants: one by its socket functions
alone (C), one with its crate (Rust), and an HTTP server on the event loop of its tokio and hyper."""

import concurrent.futures
import contextlib
import http.client
import re
import socket
import socketserver
import subprocess
import threading

import pytest
import quern
from build import GUESTS

ECHO = ["c/echo", "rust/nn-sockets"]
LISTEN = ["--listen", "127.0.0.1:*"]


@pytest.fixture
def program(guest):
    def get(name: str):
        if name not in GUESTS:
            pytest.skip(f"NOT TESTED: {name} is not among the guests")
        return guest(name)
    return get


@contextlib.contextmanager
def serving(home, *words):
    """The process of a server, once it has said that it listens, and its port."""
    process = subprocess.Popen([quern.binary(), "run", *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, env=quern.environment(home), cwd=home)
    try:
        said = re.match(r"listening on .*:(\d+)$", process.stdout.readline())
        assert said, process.stderr.read()
        yield process, int(said.group(1))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("name", ECHO)
def test_a_server_answers_where_it_may_listen(program, home, name):
    with serving(home, *LISTEN, program(name), "127.0.0.1:0", "2") as (process, port):
        for text in (b"first", b"second" * 20_000):
            with socket.create_connection(("127.0.0.1", port)) as client:
                # Beside the reading: the server sends back while it takes.
                threading.Thread(target=lambda: (client.sendall(text), client.shutdown(socket.SHUT_WR))).start()
                assert client.makefile("rb").read() == text
        assert process.wait(quern.PATIENCE_S) == 0


@pytest.mark.parametrize("name", ECHO)
@pytest.mark.parametrize("grant", [[], ["--listen", "127.0.0.1:1"], ["--listen", "127.0.0.2:*"], ["--net", "*:*"]])
def test_a_server_listens_nowhere_else(program, home, name, grant):
    port = free_port()
    ended = quern.quern("run", *grant, program(name), f"127.0.0.1:{port}", "1", home=home)
    assert ended.code == 1, ended
    needed = f'listen = ["127.0.0.1:{port}"]' if grant else 'net = ["HOST:PORT"]'
    assert ended.err.count(needed) == 1, ended.err


class Parrot(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(b"you said " + self.request.recv(100))


@pytest.fixture
def parrot():
    with quern.serving(Parrot) as port:
        yield port


@pytest.mark.parametrize("name", ECHO)
def test_a_client_reaches_a_granted_address(program, home, parrot, name):
    address = f"127.0.0.1:{parrot}"
    ended = quern.quern("run", "--net", address, program(name), "dial", address, "hello", home=home)
    assert (ended.code, ended.out) == (0, "you said hello\n"), ended.err


def test_a_client_reaches_a_granted_name(program, home, parrot):
    address = f"localhost:{parrot}"
    ended = quern.quern("run", "--net", address, program("rust/nn-sockets"), "dial", address, "hello", home=home)
    assert (ended.code, ended.out) == (0, "you said hello\n"), ended.err


@pytest.mark.parametrize("name", ECHO)
def test_a_client_reaches_nothing_else(program, home, parrot, name):
    address = f"127.0.0.1:{parrot}"
    for grant in (["--net", "127.0.0.1:1"], ["--net", "10.0.0.1:*"], LISTEN):
        ended = quern.quern("run", *grant, program(name), "dial", address, "hello", home=home)
        assert ended.code == 1 and "you said" not in ended.out, ended
        assert ended.err.count(f'net = ["{address}"]') == 1, ended.err


# ---- an event loop --------------------------------------------------------------------------------------


@pytest.fixture
def server(program, home):
    with serving(home, *LISTEN, program("rust/http-server"), f"127.0.0.1:{free_port()}") as running:
        yield running


def ask(port: int, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=quern.PATIENCE_S)
    connection.request("GET" if body is None else "POST", path, body)
    response = connection.getresponse()
    answer = response.status, response.read()
    connection.close()
    return answer


def test_hyper_serves(server):
    _, port = server
    assert ask(port, "/hello") == (200, b"hello\n")
    assert ask(port, "/nowhere")[0] == 404
    body = bytes(range(256)) * 12_000
    assert ask(port, "/echo", body) == (200, body)


def test_curl_is_served(server):
    _, port = server
    told = subprocess.run(["curl", "-sS", "-m", str(quern.PATIENCE_S), "--data-binary", "tell me", f"http://127.0.0.1:{port}/echo"],
                          capture_output=True, text=True)
    assert told.stdout == "tell me", told.stderr


def test_who_waits_holds_up_nobody(server):
    """/wait ends when /go was asked: on one thread only an event loop can do both."""
    _, port = server
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(ask, port, "/wait") for _ in range(20)]
        while ask(port, "/waiting") != (200, b"20"):
            pass
        assert not any(answer.done() for answer in waiting)
        assert ask(port, "/go")[0] == 200
        assert {answer.result() for answer in waiting} == {(200, b"at last\n")}


def test_a_connection_is_kept_and_a_clock_ticks(server):
    _, port = server
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=quern.PATIENCE_S)
    for path in ["/hello"] * 50 + ["/tick", "/hello"]:
        connection.request("GET", path)
        assert connection.getresponse().read() in (b"hello\n", b"tick\n")
    connection.close()


def test_a_client_that_resets_is_no_matter(server):
    _, port = server
    for _ in range(20):
        client = socket.create_connection(("127.0.0.1", port))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.sendall(b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\nhalf of it")
        client.close()
    assert ask(port, "/hello") == (200, b"hello\n")


def test_the_server_ends_by_itself(server):
    process, port = server
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        ask(port, "/quit")
    assert process.wait(quern.PATIENCE_S) == 0
