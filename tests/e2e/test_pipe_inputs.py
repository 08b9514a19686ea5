"""Inputs of `quern pipe`, fed by loggers of others and by what stands in a contract."""

import gzip
import json
import pathlib
import re
import socket
import subprocess
import urllib.error
import urllib.request

import pytest

import quern
from pipelines import Pipeline, free_port, numbers_in, wait_until

NODE_CLIENT = """
const { FluentClient } = require("@fluent-org/logger");
const [port, from, to, security] = process.argv.slice(1);
const client = new FluentClient("app", {
  socket: { host: "127.0.0.1", port: Number(port), timeout: 30000, disableReconnect: true },
  eventMode: process.env.MODE,
  ack: { ackTimeout: 30000 },
  ...(security ? { security: JSON.parse(security) } : {}),
});
(async () => {
  await client.connect();
  const sent = [];
  for (let n = Number(from); n < Number(to); n++) sent.push(client.emit("web", { n }));
  await Promise.all(sent);   // each ends once it is acknowledged
  console.log("acknowledged");
  await client.disconnect();
})().catch((error) => { console.error(String(error)); process.exit(1); });
"""


@pytest.fixture(scope="module")
def loggers() -> pathlib.Path:
    place = pathlib.Path(quern.where("log-clients"))
    if not (place / ".ready").exists():
        pytest.skip(f"NOT TESTED: no loggers of others in {place} (deps/log-clients.sh)")
    return place


def text(folder, type_, **keys) -> str:
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
    return f"""
[[input]]
name = "in"
type = "{type_}"
{lines}
[[output]]
name = "out"
type = "file"
path = "{folder}/out.log"
"""


def node(loggers, port, numbers, mode, security=None):
    words = ["node", "-e", NODE_CLIENT, str(port), str(numbers.start), str(numbers.stop)]
    return subprocess.run(words + ([json.dumps(security)] if security else []), cwd=loggers / "node", capture_output=True, text=True,
                          timeout=120, env={"PATH": "/usr/local/bin:/usr/bin:/bin", "MODE": mode})


@pytest.mark.parametrize("mode", ["Message", "Forward", "PackedForward", "CompressedPackedForward"])
def test_a_logger_from_npm_is_acknowledged(tmp_path, loggers, mode):
    port = free_port()
    with Pipeline(tmp_path, text(tmp_path, "forward", listen=f"127.0.0.1:{port}")) as pipeline:
        wait_until(lambda: listens(port))
        done = node(loggers, port, range(100), mode)
        assert done.stdout == "acknowledged\n", done.stderr + pipeline.log.read_text()
        wait_until(lambda: sorted(numbers_in(tmp_path)) == list(range(100)))


def listens(port) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def test_a_shared_key_lets_in_who_knows_it(tmp_path, loggers):
    port = free_port()
    keys = {"listen": f"127.0.0.1:{port}", "shared_key": "open sesame", "self_hostname": "quern"}
    with Pipeline(tmp_path, text(tmp_path, "forward", **keys)) as pipeline:
        wait_until(lambda: listens(port))
        stranger = node(loggers, port, range(5), "Forward", {"clientHostname": "me", "sharedKey": "guess"})
        assert "acknowledged" not in stranger.stdout
        friend = node(loggers, port, range(5, 10), "Forward", {"clientHostname": "me", "sharedKey": "open sesame"})
        assert friend.stdout == "acknowledged\n", friend.stderr + pipeline.log.read_text()
        wait_until(lambda: sorted(numbers_in(tmp_path)) == list(range(5, 10)))


def test_a_logger_from_pypi_is_understood(tmp_path, loggers):
    port = free_port()
    program = f"""
from fluent import sender
logger = sender.FluentSender("app", host="127.0.0.1", port={port}, nanosecond_precision=True)
assert all(logger.emit("web", {{"n": n, "who": "caf\\u00e9"}}) for n in range(50)), logger.last_error
logger.close()
"""
    with Pipeline(tmp_path, text(tmp_path, "forward", listen=f"127.0.0.1:{port}")):
        wait_until(lambda: listens(port))
        subprocess.run([loggers / "python/bin/python", "-c", program], check=True, timeout=60)
        wait_until(lambda: sorted(numbers_in(tmp_path)) == list(range(50)))


def post(url, body: bytes, **headers):
    request = urllib.request.Request(url, data=body, headers={key.replace("_", "-"): value for key, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_records_by_post_survive_kill_9(tmp_path):
    port = free_port()
    url = f"http://127.0.0.1:{port}/web"
    with Pipeline(tmp_path, text(tmp_path, "http", listen=f"127.0.0.1:{port}")) as pipeline:
        wait_until(lambda: listens(port))
        assert post(url, b'{"n":1}', content_type="application/json") == (200, b'{"records":1}\n')
        lines = gzip.compress(b'{"n":2}\n{"n":3}\n')
        assert post(url, lines, content_type="application/x-ndjson", content_encoding="gzip")[0] == 200
        status, why = post(url, b'{"n":4}\n{"n":\n', content_type="application/x-ndjson")
        assert status == 400 and b"line 2" in why
        pipeline.kill()
        pipeline.start()
        wait_until(lambda: sorted(set(numbers_in(tmp_path))) == [1, 2, 3])


def test_logs_of_opentelemetry(tmp_path):
    port = free_port()
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"severityText": "ERROR", "body": {"stringValue": "it failed"}}]}]}]}
    with Pipeline(tmp_path, text(tmp_path, "otlp", listen=f"127.0.0.1:{port}")):
        wait_until(lambda: listens(port))
        assert post(f"http://127.0.0.1:{port}/v1/logs", json.dumps(body).encode(), content_type="application/json") == (200, b"{}")
        out = tmp_path / "out.log"
        wait_until(lambda: out.exists() and '"body":"it failed","severity":"ERROR"' in out.read_text())


def test_syslog_by_both_roads(tmp_path):
    port = free_port()
    with Pipeline(tmp_path, text(tmp_path, "syslog", listen=f"127.0.0.1:{port}")):
        wait_until(lambda: listens(port))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.sendto(b"<13>1 2026-11-23T01:02:03Z host app - - - by datagram", ("127.0.0.1", port))
        with socket.create_connection(("127.0.0.1", port)) as tcp:
            tcp.sendall(b"<13>Nov 23 01:02:03 host app: by line\n48 <13>1 2026-11-23T01:02:03Z h a - - - with a size")
        out = tmp_path / "out.log"
        wait_until(lambda: out.exists() and set(re.findall(r'"message":"(.*?)"', out.read_text())) ==
                   {"by datagram", "by line", "with a size"})


def test_tail_goes_on_after_kill_9_and_through_rotation(tmp_path):
    logs = tmp_path / "logs"
    logs.mkdir()
    log = logs / "app.log"

    def write(numbers):
        with open(log, "a") as file:
            file.writelines(f'{{"n":{n}}}\n' for n in numbers)

    def all_there(end):
        got = " ".join(file.read_text() for file in tmp_path.glob("out.log*"))
        return {int(n) for n in re.findall(r'n\\":(\d+)', got)} == set(range(end))

    with Pipeline(tmp_path, text(tmp_path, "tail", path=str(logs / "*.log"), read_from_head=True)) as pipeline:
        write(range(100))
        wait_until(lambda: all_there(100))
        pipeline.kill()
        write(range(100, 200))
        log.rename(logs / "app.log.1")
        write(range(200, 300))
        pipeline.start()
        wait_until(lambda: all_there(300))
        log.rename(logs / "app.log.2")
        write(range(300, 310))
        wait_until(lambda: all_there(310))
        assert pipeline.stop() == 0
