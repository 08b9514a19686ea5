"""The server as bytes: framing, connections, malformed and hostile clients, the page's files."""

import gzip
import json
import re
import socket
import time

import pytest
from wire import Wire, ask, events


def chat(text: str, **options) -> dict:
    return {"messages": [{"role": "user", "content": text}], **options}


def alive(server) -> bool:
    return ask(server.port, "GET", "/health").status == 200


# ---- streams ----------------------------------------------------------------------------------------


def test_a_stream_is_framed_as_server_sent_events(fake):
    with Wire(fake.port) as wire:
        body = json.dumps(chat("hello", stream=True)).encode()
        wire.request("POST", "/v1/chat/completions", body, Content_Type="application/json")
        answer = wire.response()
        assert answer.status == 200
        assert answer.header("content-type").split(";")[0] == "text/event-stream"
        assert answer.header("content-length") is None and answer.header("transfer-encoding") == "chunked"
        assert "no-" in answer.header("cache-control")  # no-cache or no-store
        *chunks, done = events(answer.body)
        assert done == "[DONE]"
        text = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in json.loads(chunk)["choices"])
        assert text == "Hello from the script."
        # The connection is in order after it.
        wire.request("GET", "/health")
        assert wire.response().status == 200


def test_a_stream_arrives_while_it_is_made(fake):
    """Each chunk is sent by itself; a proxy that collected them would deliver one."""
    with Wire(fake.port) as wire:
        wire.request("POST", "/v1/chat/completions", json.dumps(chat("ten steps", stream=True)).encode(),
                     Content_Type="application/json")
        wire.head()
        assert len(list(wire.chunks())) >= 10


def test_text_that_looks_like_framing_stays_text(fake):
    answer = ask(fake.port, "POST", "/v1/chat/completions", chat("emoji", stream=True))
    *chunks, done = events(answer.body)
    text = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in json.loads(chunk)["choices"])
    assert done == "[DONE]"
    assert text == 'Grüße 🌍👩‍👩‍👧‍👦 \u2028\u0000 "quoted\\"\n\ndata: x\n\n世界'
    whole = ask(fake.port, "POST", "/v1/chat/completions", chat("emoji"))
    assert whole.json()["choices"][0]["message"]["content"] == text


def test_an_error_before_the_first_token_has_its_own_status(fake):
    for stream in (False, True):
        busy = ask(fake.port, "POST", "/v1/chat/completions", chat("be busy", stream=stream))
        assert busy.status == 429 and busy.header("retry-after") and busy.json()["error"]["code"]
        assert ask(fake.port, "POST", "/v1/chat/completions", chat("break", stream=stream)).status == 500


def test_an_error_halfway_is_an_event_and_no_success(fake):
    answer = ask(fake.port, "POST", "/v1/chat/completions", chat("stop halfway", stream=True))
    found = events(answer.body)
    assert "error" in json.loads(found[-1] if found[-1] != "[DONE]" else found[-2])
    assert ask(fake.port, "POST", "/v1/chat/completions", chat("stop halfway")).status == 500


def test_a_reader_that_is_slow_gets_everything(fake):
    """A megabyte of answer into a window of a few KB: the server waits, and holds back the guest."""
    with Wire(fake.port) as wire:
        wire.request("POST", "/v1/chat/completions", json.dumps(chat("much at once", stream=True)).encode(),
                     Content_Type="application/json")
        time.sleep(0.5)
        before = fake.status("VmRSS")
        assert alive(fake)
        stream = wire.response().body
    assert stream.count(b"much ") == 150_000 and stream.endswith(b"data: [DONE]\n\n")
    assert before < 1 << 20, "the server took the answer into its own memory"


# ---- connections --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/health", "/v1/models"])
def test_head_is_get_without_a_body(fake, path):
    with Wire(fake.port) as wire:
        wire.request("GET", path)
        got = wire.response()
        wire.request("HEAD", path)
        head = wire.response("HEAD")
        assert head.status == got.status == 200
        for name in ("content-type", "content-length", "etag", "content-security-policy"):
            assert head.header(name) == got.header(name)
        wire.request("GET", "/health")  # no byte of a body lies in between
        assert wire.response().status == 200


def test_a_connection_is_used_again(fake):
    with Wire(fake.port) as wire:
        for _ in range(3):
            wire.request("GET", "/v1/models")
            assert wire.response().status == 200
        wire.request("POST", "/v1/chat/completions", json.dumps(chat("hello")).encode(), Content_Type="application/json")
        assert wire.response().status == 200
        wire.request("GET", "/health", Connection="close")
        assert wire.response().header("connection") == "close" and wire.at_end()


def test_an_old_client_is_answered_and_let_go(fake):
    with Wire(fake.port) as wire:
        wire.send("GET /health HTTP/1.0\r\n\r\n")
        answer = wire.response()
        assert answer.status == 200 and answer.header("transfer-encoding") is None and wire.at_end()


def test_requests_sent_ahead_are_answered_in_order(fake):
    with Wire(fake.port) as wire:
        for path in ("/health", "/v1/models", "/nothing"):
            wire.request("GET", path)
        assert [wire.response().status for _ in range(3)] == [200, 200, 404]


def test_a_body_in_chunks_is_read(fake):
    body = json.dumps(chat("hello")).encode()
    with Wire(fake.port) as wire:
        wire.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n")
        for at in range(0, len(body), 7):
            piece = body[at:at + 7]
            wire.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        wire.send("0\r\n\r\n")
        assert wire.response().json()["choices"][0]["message"]["content"] == "Hello from the script."


def test_a_client_that_waits_for_leave_to_send_gets_it(fake):
    body = json.dumps(chat("hello")).encode()
    with Wire(fake.port) as wire:
        wire.send(f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
                  "Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n")
        assert wire.head().status == 100
        wire.send(body)
        assert wire.response().status == 200


def test_a_body_announced_too_large_is_refused_before_it_is_sent(fake):
    with Wire(fake.port) as wire:
        wire.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n")
        assert wire.response().status == 413


def test_a_client_that_only_stops_sending_gets_its_answer(fake):
    with Wire(fake.port) as wire:
        wire.request("POST", "/v1/chat/completions", json.dumps(chat("hello")).encode(), Content_Type="application/json")
        wire.socket.shutdown(socket.SHUT_WR)
        assert wire.response().json()["choices"][0]["message"]["content"] == "Hello from the script."
        assert wire.at_end()


# ---- malformed --------------------------------------------------------------------------------------------


MALFORMED = {
    "no HTTP at all": b"hello there\r\n\r\n",
    "binary": bytes(range(256)),
    "TLS to a plain port": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "a space in the target": b"GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "a colon missing": b"GET / HTTP/1.1\r\nHost: localhost\r\nbroken\r\n\r\n",
    "a space before the colon": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length : 0\r\n\r\n",
    "a folded header": b"GET / HTTP/1.1\r\nHost: localhost\r\nA: b\r\n c\r\n\r\n",
    "a NUL in a header": b"GET / HTTP/1.1\r\nHost: localhost\r\nA: b\x00c\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "a length and chunks": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a negative length": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    "a length that is no number": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1e3\r\n\r\n",
    "a length beyond 64 bits": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    "an unknown coding": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
    "a chunk size that is no number":
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a chunk size beyond 64 bits":
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    "a header that is too large": b"GET / HTTP/1.1\r\nHost: localhost\r\nA: " + b"b" * 70_000 + b"\r\n\r\n",
    "too many headers": b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"a: b\r\n" * 20_000 + b"\r\n",
    "a target that is too long": b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_not_http_is_refused(fake, name):
    with Wire(fake.port) as wire:
        try:
            wire.send(MALFORMED[name])
            answer = wire.response()
        except (ConnectionError, ValueError):  # closed without an answer, or while we were sending
            answer = None
        if answer:
            assert 400 <= answer.status <= 505 and answer.status != 500, answer
            assert wire.at_end(), "what follows on this connection cannot be trusted"
    assert alive(fake)


@pytest.mark.parametrize("path", ["/../../etc/passwd", "/assets/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/assets/%00",
                                  "/assets/", "/index.html/..", "//etc/passwd", "/\\..\\..\\etc\\passwd"])
def test_no_path_leads_out_of_the_page(fake, path):
    answer = ask(fake.port, "GET", path)
    assert answer.status in (200, 400, 404) and b"root:" not in answer.body


def test_many_clients_that_never_finish_do_not_stop_the_others(fake):
    """Half a header each, or half a body, and then silence."""
    lazy = [Wire(fake.port) for _ in range(100)]
    try:
        for i, wire in enumerate(lazy):
            wire.send("GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: " if i % 2 else
                      "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        threads = fake.status("Threads")
        for _ in range(10):
            assert alive(fake)
            answer = ask(fake.port, "POST", "/v1/chat/completions", chat("hello"))
            assert answer.status == 200
        assert fake.status("Threads") == threads
        # In the end they are told, or cut off.
        try:
            assert lazy[1].response().status == 408
        except ConnectionError:
            pass
    finally:
        for wire in lazy:
            wire.close()


# ---- the page -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page(fake):
    return ask(fake.port, "GET", "/")


def test_the_page_may_load_its_own_files_and_nothing_else(page):
    assert page.status == 200 and page.header("content-type").startswith("text/html")
    policy = {words[0]: words[1:] for words in (rule.split() for rule in page.header("content-security-policy").split(";"))}
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == ["'self'"] and policy["connect-src"] == ["'self'"]
    assert "'unsafe-inline'" not in str(policy) and "'unsafe-eval'" not in str(policy)
    assert policy["require-trusted-types-for"] == ["'script'"]
    assert policy["frame-ancestors"] == ["'none'"] and policy["base-uri"] == ["'none'"]
    assert page.header("x-content-type-options") == "nosniff"


def references(page) -> list[str]:
    return re.findall(r'(?:src|href)="([^"]+)"', page.body.decode())


def test_the_page_needs_nothing_from_elsewhere(page):
    html = page.body.decode()
    assert not re.search(r'(?:src|href|action)\s*=\s*["\']?(?:https?:)?//', html)
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", html), "an inline script, which the policy forbids"
    assert not re.search(r"\son\w+\s*=", html), "an inline handler, which the policy forbids"
    assert not re.search(r"<style|\sstyle=", html), "an inline style, which the policy forbids"
    assert any(path.endswith(".js") for path in references(page))


def test_its_files_are_there_with_the_right_types(fake, page):
    types = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml", "html": "text/html"}
    for path in references(page):
        if path.startswith("data:"):
            continue
        answer = ask(fake.port, "GET", "/" + path.removeprefix("./").lstrip("/"))
        assert answer.status == 200 and answer.body, path
        kind = path.rsplit(".", 1)[-1]
        assert answer.header("content-type").split(";")[0] == types.get(kind, answer.header("content-type").split(";")[0])
        if re.search(r"-[\w-]{8}\.", path):
            assert "immutable" in answer.header("cache-control")


def test_it_is_small(fake, page):
    paths = ["/", *("/" + path.removeprefix("./").lstrip("/") for path in references(page) if not path.startswith("data:"))]
    sizes = [len(ask(fake.port, "GET", path, Accept_Encoding="gzip").body) for path in paths]
    assert sum(sizes) < 300 * 1024


def test_a_coding_is_what_it_says(fake, page):
    for path in ["/", *("/" + path.removeprefix("./").lstrip("/") for path in references(page) if path.endswith("js"))]:
        plain = ask(fake.port, "GET", path, Accept_Encoding="identity")
        zipped = ask(fake.port, "GET", path, Accept_Encoding="gzip")
        assert plain.header("content-encoding") is None
        assert zipped.header("content-encoding") == "gzip" and "accept-encoding" in zipped.header("vary").lower()
        assert gzip.decompress(zipped.body) == plain.body
        refused = ask(fake.port, "GET", path, Accept_Encoding="gzip;q=0, br;q=0")
        assert refused.header("content-encoding") is None


def test_what_a_browser_has_is_not_sent_again(fake, page):
    etag = page.header("etag")
    for known in (etag, f'"other", {etag}', "*"):
        again = ask(fake.port, "GET", "/", If_None_Match=known)
        assert again.status == 304 and again.body == b"" and again.header("etag") == etag
    assert ask(fake.port, "GET", "/", If_None_Match='"other"').status == 200


def test_a_foreign_page_may_not_use_the_server(fake):
    """A page of some other site, open in the same browser."""
    answer = ask(fake.port, "POST", "/v1/chat/completions", chat("hello"), Origin="https://evil.example")
    assert answer.status == 403 and answer.header("access-control-allow-origin") is None
    own = ask(fake.port, "POST", "/v1/chat/completions", chat("hello"), Origin="http://localhost")
    assert own.status == 200
