"""Parsers, filters and outputs in a pipeline that a user starts, against servers that are not ours."""

import gzip
import http.server
import json
import subprocess
import threading

import pytest

import quern
from pipelines import Pipeline, free_port, wait_until


def run(folder, text, given: bytes):
    file = folder / "pipe.toml"
    file.write_text(text)
    done = subprocess.run([quern.binary(), "pipe", str(file)], input=given, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


STDIN = '[[input]]\nname = "in"\ntype = "stdin"\n'


class Server:
    """Takes what is posted; `answer(n, path, body)` gives status and body of the n-th request."""

    def __init__(self, answer):
        self.requests = []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                text = body.decode(errors="replace")
                server.requests.append((self.path, dict(self.headers), text))
                status, text = answer(len(server.requests) - 1, self.path, text)
                self.send_response(status)
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        self.httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.httpd.server_address[1]}"
        threading.Thread(target=self.httpd.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.httpd.shutdown()
        self.httpd.server_close()


def test_the_guides_example_parses_drops_and_masks(tmp_path):
    """The example of parsers-and-filters.md, from stdin."""
    guide = (quern.ROOT / "docs/guides/pipelines/parsers-and-filters.md").read_text()
    text = guide.split("```toml\n")[1].split("```")[0]
    text = text.replace('type = "tail"\npath = "/var/log/nginx/access.log"', 'type = "stdin"')
    out = run(
        tmp_path,
        text,
        b'10.0.0.1 - - [22/Nov/2026:10:40:01 +0100] "GET /a?mail=x@y.example" 200 17\n'
        b'10.0.0.1 - - [22/Nov/2026:10:40:02 +0100] "GET /health" 200 2\n'
        b"no line of a server\n",
    )
    records = [json.loads(line) for line in out.splitlines()]
    assert records[0] == {
        "time": "2026-11-22T09:40:01.000000000Z",
        "host": "10.0.0.1",
        "request": "GET /a?mail=***",
        "code": 200,
        "bytes": 17,
    }
    assert [r.get("log") for r in records] == [None, "no line of a server"]


def test_a_stack_is_one_record(tmp_path):
    text = STDIN + '[[filter]]\nname = "m"\ntype = "multiline"\nbuiltin = ["java"]\n[[output]]\nname = "o"\ntype = "stdout"\ntime_key = ""\n'
    out = run(tmp_path, text, b"start\njava.lang.Error: x\n\tat a.b(C.java:1)\n\tat d.e(F.java:2)\nend\n")
    assert [json.loads(line)["log"] for line in out.splitlines()] == [
        "start",
        "java.lang.Error: x\n\tat a.b(C.java:1)\n\tat d.e(F.java:2)",
        "end",
    ]


def test_files_by_tag_rotate_and_no_tag_climbs_out(tmp_path):
    text = STDIN + """
parser = "json"
[[filter]]
name = "route"
type = "rewrite_tag"
key = "app"
pattern = "(.+)"
tag = "$1"
[[output]]
name = "o"
type = "file"
path = "out/{@tag}.log"
time_key = ""
rotate_size = "1 KiB"
rotate_keep = 2
rotate_gzip = true
"""
    lines = [json.dumps({"app": "../../../evil", "n": n, "pad": "x" * 50}) for n in range(5)]
    run(tmp_path, text, ("\n".join(lines) + "\n").encode())
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["_._.._.._evil.log"]
    again = [json.dumps({"app": "web", "n": n, "pad": "x" * 100}) for n in range(3)]
    for _ in range(6):
        run(tmp_path, text, ("\n".join(again) + "\n").encode())
    names = sorted(p.name for p in (tmp_path / "out").iterdir() if p.name.startswith("web"))
    assert names == ["web.log", "web.log~1.gz", "web.log~2.gz"]
    packed = gzip.decompress((tmp_path / "out/web.log~1.gz").read_bytes()).decode()
    assert all(json.loads(line)["app"] == "web" for line in packed.splitlines())


def test_a_bulk_sends_again_only_what_came_too_fast(tmp_path):
    def answer(n, path, body):
        assert path == "/_bulk"
        items = []
        for at, line in enumerate(body.splitlines()[1::2]):
            document = json.loads(line)
            status = 429 if n == 0 and at % 2 else 400 if document["log"] == "bad" else 201
            error = {"error": {"type": "mapper_parsing_exception", "reason": "no"}} if status >= 400 else {}
            items.append({"create": {"status": status, **error}})
        return 200, json.dumps({"errors": True, "items": items})

    with Server(answer) as server:
        text = STDIN + f'[[output]]\nname = "o"\ntype = "elasticsearch"\nurl = "{server.url}"\ncompress = "gzip"\nretry = {{ first = "50ms" }}\n'
        run(tmp_path, text, b"a\nb\nbad\nd\n")
        logs = [[json.loads(line)["log"] for line in body.splitlines()[1::2]] for _, _, body in server.requests]
    assert logs == [["a", "b", "bad", "d"], ["b", "d"]]


@pytest.mark.parametrize("kind,path", [("otlp", "/v1/logs"), ("loki", "/loki/api/v1/push"), ("http", "/"), ("webhook", "/")])
def test_peers_that_fail_at_first_get_everything(tmp_path, kind, path):
    with Server(lambda n, *_: (503, "") if n == 0 else (200, "")) as server:
        text = STDIN + f'[[output]]\nname = "o"\ntype = "{kind}"\nurl = "{server.url}"\nretry = {{ first = "50ms" }}\n'
        run(tmp_path, text, b"one\ntwo\n")
        assert [p for p, _, _ in server.requests] == [path] * len(server.requests)
        first, *more = (body for _, _, body in server.requests)
        assert more[0] == first, "the batch comes again as it was"
        delivered = "".join(more)
        assert "one" in delivered and "two" in delivered


def test_two_pipelines_speak_forward_with_a_key(tmp_path):
    port = free_port()
    (tmp_path / "server").mkdir()
    (tmp_path / "client").mkdir()
    server = f"""
[[input]]
name = "in"
type = "forward"
listen = "127.0.0.1:{port}"
shared_key = "s3cret"
self_hostname = "server"
[[output]]
name = "o"
type = "file"
path = "got.log"
tag_key = "tag"
"""
    client = STDIN + f"""
tag = "app.web"
[[output]]
name = "o"
type = "forward"
host = "127.0.0.1"
port = {port}
shared_key = "s3cret"
compress = "gzip"
"""
    with Pipeline(tmp_path / "server", server) as running:
        run(tmp_path / "client", client, b"".join(b"line %d\n" % n for n in range(2000)))
        got = tmp_path / "server/got.log"
        wait_until(lambda: got.exists() and len(got.read_text().splitlines()) == 2000)
        records = [json.loads(line) for line in got.read_text().splitlines()]
        assert running.stop() == 0
    assert [r["log"] for r in records] == [f"line {n}" for n in range(2000)]
    assert {r["tag"] for r in records} == {"app.web"}


@pytest.mark.parametrize("more", ["", 'compress = "gzip"', 'encoding = "json"', 'encoding = "json"\ncompress = "gzip"'])
def test_two_pipelines_speak_otlp(tmp_path, more):
    port = free_port()
    (tmp_path / "server").mkdir()
    (tmp_path / "client").mkdir()
    server = f"""
[[input]]
name = "in"
type = "otlp"
listen = "127.0.0.1:{port}"
[[output]]
name = "o"
type = "file"
path = "got.log"
"""
    client = STDIN + f"""
parser = "json"
[[output]]
name = "o"
type = "otlp"
url = "http://127.0.0.1:{port}"
{more}
"""
    with Pipeline(tmp_path / "server", server) as running:
        record = {"log": "it broke", "level": "error", "n": -5, "list": [1, {"a": "b"}], "trace_id": "0af7651916cd43dd8448eb211c80319c"}
        run(tmp_path / "client", client, json.dumps(record).encode() + b"\n")
        got = tmp_path / "server/got.log"
        wait_until(lambda: got.exists() and got.read_text().endswith("\n"))
        assert running.stop() == 0
    record = json.loads(got.read_text())
    assert (record["body"], record["severity"], record["severity_number"]) == ("it broke", "error", 17)
    assert record["attributes"] == {"log.tag": "in", "n": -5, "list": [1, {"a": "b"}]}
    assert record["trace_id"] == "0af7651916cd43dd8448eb211c80319c" and record["resource"] == {"service.name": "quern"}
