"""`quern serve`: wasi:http services made by other people's toolchains, unmodified.

The same service in Python (componentize-py), in JavaScript (componentize-js) and in Rust (wstd).
"""

import http.server
import re
import threading

import pytest
import quern
from wire import Wire, ask

LANGUAGES = {"python/web": "python", "js/web": "javascript", "rust/web": "rust"}


class Upstream(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"upstream says {self.path}\n".encode())

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def upstream():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module", params=LANGUAGES)
def service(request, guest, home, upstream):
    with quern.Server("serve", guest(request.param), "--net", f"127.0.0.1:{upstream}", "--timeout", "20s", home=home) as server:
        server.language = LANGUAGES[request.param]
        yield server


def test_hello(service):
    answer = ask(service.port, "GET", "/hello")
    assert (answer.status, answer.body) == (200, f"hello from {service.language}\n".encode())
    assert answer.header("content-type") == "text/plain"
    assert ask(service.port, "GET", "/nothing").status == 404


def test_each_request_has_an_instance_of_its_own(service):
    """The guest counts visits in a variable of its own; nobody sees what another request left there."""
    with Wire(service.port) as wire:  # one connection is no reason to share an instance
        for _ in range(3):
            wire.request("GET", "/visits")
            assert wire.response().body == b"visit 1\n"
    assert ask(service.port, "GET", "/visits").body == b"visit 1\n"


def test_headers_reach_it(service):
    assert ask(service.port, "GET", "/header?name=x-probe", X_Probe="one two").body == b"one two\n"


@pytest.mark.parametrize("size", [0, 1, 4096, 5000, 3 << 20])
def test_a_body_comes_back_as_it_was(service, size):
    body = bytes(i * 7 % 251 for i in range(size))
    answer = ask(service.port, "POST", "/echo", body)
    assert answer.status == 200 and answer.body == body


def test_bodies_stream_both_ways_at_once(service):
    """Each piece is sent only after the one before has come back: nobody may wait for the whole."""
    with Wire(service.port) as wire:
        wire.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        back = None
        for i in range(5):
            piece = f"piece {i};".encode()
            wire.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            if back is None:
                assert wire.head().status == 200
                back = wire.chunks()
            got = b""
            while len(got) < len(piece):
                got += next(back)
            assert got == piece
        wire.send("0\r\n\r\n")
        assert list(back) == []


def test_an_answer_arrives_line_by_line(service):
    with Wire(service.port) as wire:
        wire.request("GET", "/count?n=50")
        wire.head()
        chunks = list(wire.chunks())
    assert b"".join(chunks) == b"".join(b"line %d\n" % i for i in range(50))
    assert len(chunks) > 1


def test_what_it_may_reach_it_reaches(service, upstream):
    answer = ask(service.port, "GET", f"/fetch?authority=127.0.0.1:{upstream}&path=/deep/path")
    assert (answer.status, answer.body) == (200, b"upstream says /deep/path\n")


@pytest.mark.parametrize("authority", ["127.0.0.1:1", "127.0.0.1", "localhost:9", "example.com"])
def test_what_it_may_not_reach_it_does_not(service, authority):
    answer = ask(service.port, "GET", f"/fetch?authority={authority}")
    assert answer.status == 502, answer.body
    port = "" if ":" in authority else ":80"
    assert re.search(rf'\[req \d+\] requesting {authority}{port} is not granted.* net = \["{authority}{port}"\]', service.log())


def test_a_guest_that_fails_costs_its_own_request(service):
    failed = ask(service.port, "GET", "/trap")
    assert failed.status == 500 and "error" in failed.json()
    assert "the guest gives up" not in failed.body.decode(), "its insides are for the log"
    assert ask(service.port, "GET", "/hello").status == 200


def test_a_client_that_leaves_costs_nothing(service):
    for _ in range(10):
        with Wire(service.port) as wire:
            wire.request("GET", "/count?n=100000")
            wire.head()
    assert ask(service.port, "GET", "/hello").status == 200


def test_a_guest_that_never_answers_is_ended(guest, home):
    with quern.Server("serve", guest("python/web"), "--timeout", "2s", home=home) as server:
        with Wire(server.port) as stuck:
            stuck.request("GET", "/spin")
            assert ask(server.port, "GET", "/hello").status == 200, "others are served meanwhile"
            assert stuck.response().status == 504
        assert ask(server.port, "GET", "/hello").status == 200


def test_a_command_is_not_served(guest, home):
    ended = quern.quern("serve", guest("go/tool"), "--port", "0", home=home)
    assert ended.code != 0 and "run" in ended.err

