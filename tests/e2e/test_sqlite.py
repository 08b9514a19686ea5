"""SQL of an app made with Spin's unmodified Rust SDK (`fermyon:spin/sqlite`), under `quern serve`."""

import concurrent.futures
import sqlite3

import pytest
import quern
from wire import ask

MANIFEST = """
[databases]
default = "shop"
books = "./books.db"

[limits]
store = "1MiB"
wall = "1min"
"""


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sqlite")
    (folder / "app.toml").write_text(MANIFEST)
    with sqlite3.connect(folder / "books.db") as books:
        books.execute("CREATE TABLE books (title TEXT, pages INTEGER)")
        books.execute("INSERT INTO books VALUES ('Walden', 352)")
    return folder / "app.toml"


@pytest.fixture(scope="module")
def app(guest, home, manifest):
    with quern.Server("serve", guest("spin/app"), "--manifest", manifest, home=home) as server:
        yield server


def said(server, path: str, body: str = "", status: int = 200) -> str:
    answer = ask(server.port, "POST", path, body.encode())
    assert answer.status == status, answer.body
    return answer.body.decode()


def sql(server, statement: str, *parameters: str, database: str = "default", status: int = 200) -> str:
    return said(server, f"/sql?{database}", "\n".join([statement, *parameters]), status)


def test_what_one_request_writes_another_reads(app):
    sql(app, "CREATE TABLE t (a, b, c, d, e)")
    sql(app, "INSERT INTO t VALUES (?, ?, ?, ?, ?)", "integer -7", "real 0.5", "text zwei", "blob cba", "null")
    assert sql(app, "SELECT a, b AS half, c, d, e FROM t").split("\n") == [
        "a half c d e", '[Value::Integer(-7), Value::Real(0.5), Value::Text("zwei"), Value::Blob([97, 98, 99]), Value::Null]']


def test_a_file_of_the_owner(app, manifest):
    assert 'Text("Walden")' in sql(app, "SELECT title FROM books WHERE pages > ?", "integer 300", database="books")
    sql(app, "INSERT INTO books VALUES (?, ?)", "text Emma", "integer 474", database="books")
    with sqlite3.connect(manifest.parent / "books.db") as books:
        assert books.execute("SELECT sum(pages) FROM books").fetchall() == [(826,)]


def test_sixteen_transactions_at_once_lose_nothing(app):
    sql(app, "CREATE TABLE account (amount INTEGER)")
    sql(app, "INSERT INTO account VALUES (0)")

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert set(pool.map(lambda _: said(app, "/transfer?default", "1"), range(64))) == {"done"}
    assert "Integer(64)" in sql(app, "SELECT amount FROM account")


@pytest.mark.parametrize("statement, words", [
    ("SELEC 1", "syntax error"), ("SELECT 1; SELECT 2", "more than one statement"),
    ("ATTACH '/tmp/quern-attached.db' AS x", "ATTACH"), ("VACUUM INTO '/tmp/quern-vacuum.db'", "VACUUM"),
    ("SELECT load_extension('libm.so.6')", "load_extension"), ("PRAGMA writable_schema = ON", "writable_schema"),
    ("CREATE VIRTUAL TABLE v USING fts5(a)", "virtual tables"), ("CREATE TEMP TABLE v (a)", "temporary tables"),
    ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n", "4 MiB"),
    ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n", "longer than 5 s"),
    ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT zeroblob(1000000) || i AS b FROM n ORDER BY b",
     "256 MiB"),
])
def test_hostile_statements_end_and_say_why(app, statement, words):
    assert words in sql(app, statement, status=502)
    assert "Integer(1)" in sql(app, "SELECT 1")


def test_a_database_is_full_when_its_limit_is_reached(app):
    sql(app, "CREATE TABLE heap (a)")
    assert "Full" in "".join(sql(app, "INSERT INTO heap VALUES (zeroblob(900000)), (zeroblob(900000))", status=502))
    assert "Integer(0)" in sql(app, "SELECT count(*) FROM heap")


def test_a_label_that_is_not_granted_is_denied_and_named(app):
    assert "AccessDenied" in sql(app, "SELECT 1", database="wages", status=502)
    assert 'the manifest would need: [databases] "wages" = "NAME"' in app.log()


def test_the_grant_on_the_command_line(guest, home, tmp_path):
    with quern.Server("serve", guest("spin/app"), "--sqlite", f"default={tmp_path}/made.db", home=home) as server:
        sql(server, "CREATE TABLE t (a)")
        sql(server, "INSERT INTO t VALUES (1)")
        server.kill()
    with sqlite3.connect(tmp_path / "made.db") as made:
        assert made.execute("SELECT a FROM t").fetchall() == [(1,)]
