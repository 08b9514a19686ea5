"""Key-value stores and configuration of an app made with Spin's unmodified Rust SDK, under `quern serve`."""

import concurrent.futures
import sqlite3

import pytest
import quern
from wire import Wire, ask

MANIFEST = """
[stores]
default = "shop"

[config]
greeting = "hello"
api_token = { env = "TOKEN_OF_THE_TEST" }
password = { file = "password.txt" }

[limits]
store = "4MiB"
"""
SECRETS = {"TOKEN_OF_THE_TEST": "t0ken-of-the-test"}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stores")
    (folder / "password.txt").write_text("pa55word\n")
    (folder / "app.toml").write_text(MANIFEST)
    return folder / "app.toml"


@pytest.fixture(scope="module")
def app(guest, home, manifest):
    with quern.Server("serve", guest("spin/app"), "--manifest", manifest, home=home, **SECRETS) as server:
        yield server


def said(server, path: str, body: bytes | str = b"", status: int = 200) -> str:
    answer = ask(server.port, "POST", path, body.encode() if isinstance(body, str) else body)
    assert answer.status == status, answer.body
    return answer.body.decode()


def test_what_one_request_sets_another_reads(app):
    assert said(app, "/get?a") == "nothing"
    said(app, "/set?a", "one")
    assert said(app, "/get?a") == "one"
    said(app, "/set?a", "")
    assert said(app, "/get?a") == ""
    said(app, "/delete?a")
    assert said(app, "/get?a") == "nothing"


def test_both_interfaces_see_one_store(app):
    assert said(app, "/increment?n", "40") == "40"
    assert said(app, "/increment?n", "-2") == "38"
    assert said(app, "/get?n") == "38"
    assert "n" in said(app, "/keys").split("\n")
    assert said(app, "/set-many", "x 1\ny 2\nz 3") == "3"
    assert said(app, "/get?x") == "nothing" and said(app, "/get?y") == "2"
    said(app, "/set?word", "forty")
    assert "whole number" in said(app, "/increment?word", "1", 502)


def test_sixteen_at_once_lose_nothing(app):
    """Increments and compare-and-swaps of many instances, each of which opens the store anew."""
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        counts = list(pool.map(lambda _: int(said(app, "/increment?many", "1")), range(64)))
        list(pool.map(lambda _: said(app, "/swap?letters", "x"), range(64)))
    assert sorted(counts) == list(range(1, 65))
    assert said(app, "/get?letters") == "x" * 64


def test_a_label_that_is_not_granted_is_denied_and_named(app):
    assert "AccessDenied" in said(app, "/open?sessions", status=502)
    assert 'the manifest would need: [stores] "sessions" = "NAME"' in app.log()


def test_overlong_keys_huge_values_and_a_full_store(app):
    assert "1 KiB" in said(app, f"/set?{'k' * 2000}", "x", 502)
    assert "1 MiB" in said(app, "/set?big", b"v" * ((1 << 20) + 1), 502)
    # More than a component may hand over at all ends that instance, and nothing else.
    assert ask(app.port, "POST", "/set?huge", b"v" * (8 << 20)).status == 500
    for i in range(8):
        answer = ask(app.port, "POST", f"/set?fill{i}", b"v" * (1 << 20))
    assert answer.status == 502 and b"4 MiB" in answer.body
    for i in range(8):
        said(app, f"/delete?fill{i}")
    said(app, "/set?after", "x")


def test_many_keys_come_in_pages(app):
    for batch in range(3):
        said(app, "/set-many", "\n".join(f"page{batch}-{i} x" for i in range(1000)))
    pages, keys = map(int, said(app, "/pages").split())
    assert keys > 2990 and pages >= 3


def test_configuration(app):
    assert said(app, "/variable?greeting") == said(app, "/config?greeting") == "hello"
    assert said(app, "/variable?api_token") == SECRETS["TOKEN_OF_THE_TEST"]
    assert said(app, "/config?password") == "pa55word"
    assert said(app, "/config?absent") == "nothing"
    assert "Undefined" in said(app, "/variable?absent", status=502)
    assert "InvalidName" in said(app, "/variable?Not-A-Name", status=502)
    for secret in ("t0ken-of-the-test", "pa55word"):
        assert secret not in app.log()


def test_the_command_line_grants_as_well(guest, home, tmp_path):
    with quern.Server("serve", guest("spin/app"), "--store", f"default={tmp_path}/own.db", "--config", "greeting=a=b",
                      home=home) as server:
        said(server, "/set?a", "kept")
        assert said(server, "/variable?greeting") == "a=b"
    with sqlite3.connect(tmp_path / "own.db") as database:
        assert database.execute("SELECT key, value FROM entries").fetchall() == [("a", b"kept")]


def test_nothing_is_granted_by_default(guest, home):
    with quern.Server("serve", guest("spin/app"), home=home) as server:
        assert "AccessDenied" in said(server, "/get?a", status=502)
        assert said(server, "/config?greeting") == "nothing"


def test_what_was_answered_survives_kill_9(guest, home, tmp_path):
    granted = ("--store", f"default={tmp_path}/own.db")
    answered = []
    server = quern.Server("serve", guest("spin/app"), *granted, home=home)
    with server:
        # Kept open: the last request is still being written when the power goes.
        waiting = []
        for i in range(40):
            said(server, f"/set?key{i}", f"value {i}")
            answered.append(i)
        for i in range(40, 60):
            wire = Wire(server.port)
            wire.request("POST", f"/set?key{i}", b"value")
            waiting.append(wire)
        server.kill()
    with quern.Server("serve", guest("spin/app"), *granted, home=home) as again:
        for i in answered:
            assert said(again, f"/get?key{i}") == f"value {i}"
        for i in range(40, 60):
            assert said(again, f"/get?key{i}") in ("value", "nothing")
        said(again, "/set?after", "x")


def test_a_secret_that_is_not_there_is_named_before_anything_starts(guest, home, manifest):
    ended = quern.quern("serve", guest("spin/app"), "--manifest", manifest, "--port", "0", home=home)
    assert ended.code != 0
    assert "TOKEN_OF_THE_TEST" in ended.err and "api_token" in ended.err


def test_the_drafts_that_spin_does_not_import(guest, home, tmp_path):
    """wasi:keyvalue 0.2.0-draft and wasi:config 0.2.0-rc.1, by a command that componentize-py made."""
    ended = quern.quern("run", "--store", f"default={tmp_path}/own.db", "--config", "greeting=hello",
                        guest("drafts/keeper"), home=home)
    assert ended.code == 0, ended.err
    assert ended.out.splitlines() == [
        "b'one' None True",
        "False",
        "40 42",
        r"[('last', b'\x00\xff'), None]",
        "1000 ['last'] None",
        "hello None [('greeting', 'hello')]",
    ]
    denied = quern.quern("run", guest("drafts/keeper"), home=home)
    assert denied.code != 0
    assert '[stores] "default" = "NAME"' in denied.err
