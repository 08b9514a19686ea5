"""`quern pipe FILE.toml` from outside: what goes in comes out, whatever happens in between."""

import json
import os
import random
import signal
import subprocess
import threading
import time

import pytest

import quern
from pipelines import ForwardClient, Pipeline, connected, free_port, numbers_in, wait_until


def pipe(*words, given=b"", timeout=60):
    return subprocess.run([quern.binary(), "pipe", *map(str, words)], input=given, capture_output=True, timeout=timeout)


STDIN_TO_STDOUT = """
[[input]]
name = "in"
type = "stdin"
{input}
{filters}
[[output]]
name = "out"
type = "stdout"
buffer = {{ type = "memory" }}
"""


def through(tmp_path, given, filters="", parser="") -> list:
    file = tmp_path / "pipe.toml"
    file.write_text(STDIN_TO_STDOUT.format(filters=filters, input=parser))
    done = pipe(file, given=given)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_file_that_init_writes_is_right_and_runs(tmp_path):
    file = tmp_path / "logs.toml"
    assert pipe("init", file).returncode == 0
    assert pipe("check", file).stdout.decode() == f"{file} is right\n"
    tested = pipe("test", file)
    assert tested.stdout == b"ok      debug lines are left out\n", tested.stderr
    done = pipe(file, given=b"INFO a\nDEBUG b\nINFO c\n")
    assert done.returncode == 0, done.stderr
    assert [b"INFO a" in line or b"INFO c" in line for line in done.stdout.splitlines()] == [True, True]
    assert pipe("init", file).returncode != 0, "a file is never written over"


def test_lines_are_parsed_and_what_cannot_be_stays(tmp_path):
    records = through(tmp_path, b'{"a":1}\nno json\n', parser='parser = "json"')
    assert [{k: v for k, v in r.items() if k in ("a", "log")} for r in records] == [{"a": 1}, {"log": "no json"}]


def test_it_ends_when_its_reader_has_gone(tmp_path):
    file = tmp_path / "pipe.toml"
    file.write_text(STDIN_TO_STDOUT.format(filters="", input="").replace('type = "stdin"', 'type = "dummy"\nrate = 1000'))
    done = subprocess.run(f"{quern.binary()} pipe {file} | head -1", shell=True, capture_output=True, timeout=60)
    assert done.stdout.count(b"\n") == 1


def test_wrong_files_name_line_and_key(tmp_path):
    file = tmp_path / "pipe.toml"
    file.write_text('[[input]]\nname = "in"\ntype = "tial"\n[[output]]\nname = "out"\ntype = "null"\n')
    done = pipe("check", file)
    assert done.returncode == 2
    assert f'{file}:3: type in [[input]] in: there is no "tial"; did you mean "tail"?' in done.stderr.decode()
    file.write_text('[[input]]\nname = "in"\ntype = "stdin"\n[[output]]\nname = "out"\ntype = "null"\nwhen_ful = "drop"\n')
    assert b'unknown key "when_ful"' in pipe("check", file).stderr
    assert b"no such" in pipe(tmp_path / "absent.toml").stderr.lower()


def test_samples_that_differ_fail(tmp_path):
    file = tmp_path / "pipe.toml"
    file.write_text(STDIN_TO_STDOUT.format(filters="", input="") + """
[[test]]
name = "nothing happens"
records = ['{"a":1}']
expect = ['{"a":2}']
""")
    done = pipe("test", file)
    assert done.returncode == 1
    assert done.stdout.decode() == 'FAILED  nothing happens\n  record 1:\n  expected {"a":2}\n  got      {"a":1}\n'


FORWARD_TO_FILE = """
[[input]]
name = "in"
type = "forward"
listen = "127.0.0.1:{port}"
[[output]]
name = "out"
type = "file"
path = "{folder}/out.log"
"""


def test_what_is_acknowledged_survives_kill_9(tmp_path):
    """At random points, again and again; then everything acknowledged is in the file."""
    points = int(os.environ.get("QUERN_KILLS", "12"))
    port, chance = free_port(), random.Random(5)
    acknowledged, n = [], 0
    with Pipeline(tmp_path, FORWARD_TO_FILE.format(port=port, folder=tmp_path)) as pipeline:
        for _ in range(points):
            client = connected(port)
            killer = threading.Timer(chance.uniform(0.0, 0.3), pipeline.kill)
            killer.start()
            while True:
                numbers = list(range(n, n + 20))
                n += 20
                try:
                    if not client.send("app", [{"n": number} for number in numbers]):
                        break
                except OSError:
                    break
                acknowledged += numbers
            client.close()
            killer.join()
            pipeline.start()
        wait_until(lambda: set(acknowledged) <= set(numbers_in(tmp_path)))
        assert pipeline.stop() == 0
    assert len(acknowledged) > points, "the client was never served"


def test_a_file_is_read_again_on_sighup_and_a_bad_one_is_refused(tmp_path):
    port = free_port()
    text = FORWARD_TO_FILE.format(port=port, folder=tmp_path)
    with Pipeline(tmp_path, text) as pipeline:
        client = connected(port)
        assert client.send("app", [{"n": 1}])
        pipeline.file.write_text(text.replace('type = "file"', 'type = "flie"'))
        pipeline.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "the pipeline goes on as before" in pipeline.log.read_text())
        assert 'did you mean "file"?' in pipeline.log.read_text()
        assert client.send("app", [{"n": 2}]), "the connection is still there"
        pipeline.file.write_text(text + '[[output]]\nname = "more"\ntype = "file"\npath = "' + str(tmp_path) + '/more.txt"\n')
        pipeline.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "added: more" in pipeline.log.read_text())
        assert client.send("app", [{"n": 3}])
        wait_until(lambda: numbers_in(tmp_path, "more.txt") == [3])
        wait_until(lambda: numbers_in(tmp_path) == [1, 2, 3])


def test_a_broken_output_holds_up_nobody_and_its_records_come_later(tmp_path):
    port, dead = free_port(), free_port()
    text = FORWARD_TO_FILE.format(port=port, folder=tmp_path) + f"""
[[output]]
name = "away"
type = "http"
url = "http://127.0.0.1:{dead}/"
retry = {{ first = "10ms", longest = "50ms" }}
"""
    with Pipeline(tmp_path, text) as pipeline:
        client = connected(port)
        for n in range(50):
            assert client.send("app", [{"n": n}])
        wait_until(lambda: numbers_in(tmp_path) == list(range(50)))
        away = wait_until(lambda: s if (s := pipeline.stage("away"))["faults"] > 3 else None)
        assert away["ailment"] and away["records_out"] == 0 and away["records_in"] == 50


def test_who_looks_sees_records_and_figures(tmp_path):
    port = free_port()
    with Pipeline(tmp_path, FORWARD_TO_FILE.format(port=port, folder=tmp_path)) as pipeline:
        tap = subprocess.Popen([quern.binary(), "pipe", "tap", pipeline.file, "in"], stdout=subprocess.PIPE)
        client = connected(port)
        try:
            seen = []
            reading = threading.Thread(target=lambda: seen.append(json.loads(tap.stdout.readline())), daemon=True)
            reading.start()
            wait_until(lambda: client.send("app", [{"n": 7}]) and seen, every=0.1)
            assert seen[0]["tag"] == "app" and seen[0]["record"] == {"n": 7}
        finally:
            tap.send_signal(signal.SIGINT)
            assert tap.wait(timeout=30) == 0
        top = pipe("top", pipeline.file)
        assert top.returncode == 0 and b"forward" in top.stdout
        assert "quern_pipe_records_in_total" in pipeline.call("/metrics")
        assert pipe("reload", pipeline.file).returncode == 0
    gone = pipe("top", pipeline.file)
    assert gone.returncode != 0 and b"no pipeline runs" in gone.stderr and b"try: quern pipe" in gone.stderr


def test_dead_letters_are_replayed(tmp_path):
    port, peer = free_port(), free_port()
    from http.server import BaseHTTPRequestHandler, HTTPServer
    status, bodies = [400], []

    class Peer(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(status[0])
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", peer), Peer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    text = f"""
[[input]]
name = "in"
type = "forward"
listen = "127.0.0.1:{port}"
[[output]]
name = "peer"
type = "http"
url = "http://127.0.0.1:{peer}/"
"""
    with Pipeline(tmp_path, text) as pipeline:
        assert connected(port).send("app", [{"n": 1}])
        wait_until(lambda: pipeline.stage("peer")["dead"] == 1)
        status[0] = 200
        done = pipe("replay", pipeline.file)
        assert done.stdout == b"peer: 1 records sent again\n", done.stderr
        wait_until(lambda: pipeline.stage("peer")["records_out"] == 1)
        assert b'"n":1' in bodies[-1]
        assert pipe("replay", pipeline.file).stdout == b"there are no dead letters\n"
    server.shutdown()


def test_what_a_removed_output_held_is_told_and_goes_to_another(tmp_path):
    port, dead = free_port(), free_port()
    text = FORWARD_TO_FILE.format(port=port, folder=tmp_path) + '[pipeline]\ngrace = "1s"\n'
    away = f"""
[[output]]
name = "away"
type = "http"
url = "http://127.0.0.1:{dead}/"
"""
    with Pipeline(tmp_path, text + away) as pipeline:
        client = connected(port)
        for n in range(20):
            assert client.send("app", [{"n": n}])
        wait_until(lambda: numbers_in(tmp_path) == list(range(20)))
        assert pipeline.stop() == 0
        pipeline.file.write_text(text)
        pipeline.start()
        buffer = pipeline.file.with_suffix(".state") / "buffers" / "away"
        told = f"nobody reads the buffer of away ({buffer}): 20 records"
        wait_until(lambda: told in pipeline.log.read_text())
        assert b"the buffer of away: 20 records" in pipe("top", pipeline.file).stdout
        assert b"the buffer of away: 20 records" in pipe("replay", pipeline.file).stdout
        lost = pipe("replay", pipeline.file, "away")
        assert lost.returncode != 0 and b"--to OUTPUT" in lost.stderr
        done = pipe("replay", pipeline.file, "away", "--to", "out")
        assert done.stdout == b"away: 20 records sent again\n", done.stderr
        wait_until(lambda: numbers_in(tmp_path) == [*range(20), *range(20)])
        assert b"away" not in pipe("top", pipeline.file).stdout and not buffer.exists()


def test_it_ends_within_its_grace_when_an_output_does_not_answer(tmp_path):
    port = free_port()
    text = '[pipeline]\ngrace = "300ms"\n' + FORWARD_TO_FILE.format(port=port, folder=tmp_path).replace(
        'type = "file"', 'type = "http"').replace(f'path = "{tmp_path}/out.log"', f'url = "http://127.0.0.1:{free_port()}/"')
    with Pipeline(tmp_path, text) as pipeline:
        assert connected(port).send("app", [{"n": 1}])
        begun = time.monotonic()
        assert pipeline.stop() == 0
        assert time.monotonic() - begun < 30
        assert "stay in its buffer" in pipeline.log.read_text()


def test_two_pipelines_do_not_share_a_state(tmp_path):
    with Pipeline(tmp_path, FORWARD_TO_FILE.format(port=free_port(), folder=tmp_path)) as pipeline:
        second = pipe(pipeline.file)
        assert second.returncode != 0 and b"another pipeline may be running" in second.stderr


def test_a_port_that_is_taken_is_told_at_once(tmp_path):
    port = free_port()
    with Pipeline(tmp_path, FORWARD_TO_FILE.format(port=port, folder=tmp_path)):
        connected(port)
        other = tmp_path / "other"
        other.mkdir()
        file = other / "pipe.toml"
        file.write_text(FORWARD_TO_FILE.format(port=port, folder=other))
        done = pipe(file)
        assert done.returncode != 0 and b"input in" in done.stderr and str(port).encode() in done.stderr
