"""Registries on loopback: Debian's docker-registry, a wire that breaks before it, and one that lies."""

import contextlib
import http.server
import json
import pathlib
import shutil
import socket
import socketserver
import subprocess
import threading
import time
import urllib.request

import pytest
import quern

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
# bcrypt of "secret", for the user "tester".
PASSWORDS = "tester:$2b$04$A8TC5xjSS2oFqXFCm774Vu8HG2/bZMMLvh1211MK77A5883ug1Oua\n"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def docker_registry(folder: pathlib.Path, sign_in: bool = False):
    """Runs until the end of the block; "127.0.0.1:PORT". Skips where Debian's package is missing."""
    if not shutil.which("docker-registry"):
        pytest.skip("NOT TESTED: docker-registry is missing (deps/setup.sh tests)")
    port = free_port()
    config = {"version": 0.1, "log": {"level": "error", "accesslog": {"disabled": True}},
              "storage": {"filesystem": {"rootdirectory": str(folder / "blobs")}},
              "http": {"addr": f"127.0.0.1:{port}"}}
    if sign_in:
        (folder / "passwords").write_text(PASSWORDS)
        config["auth"] = {"htpasswd": {"realm": "test", "path": str(folder / "passwords")}}
    (folder / "config.yml").write_text(json.dumps(config))  # JSON is YAML
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", str(folder / "config.yml")], stdout=log, stderr=log)
    try:
        end = time.monotonic() + quern.PATIENCE_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert process.poll() is None and time.monotonic() < end, (folder / "log").read_text()
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def call(method: str, url: str, body: bytes | None = None, **headers: str):
    request = urllib.request.Request(url, body, {key.replace("_", "-"): value for key, value in headers.items()}, method=method)
    return urllib.request.urlopen(request, timeout=quern.PATIENCE_S)


def put_blob(registry: str, repository: str, content: bytes, digest: str):
    with call("POST", f"http://{registry}/v2/{repository}/blobs/uploads/", b"") as begun:
        where = begun.headers["Location"]
    call("PUT", f"{where}&digest={digest}", content, Content_Type="application/octet-stream").close()


class BreakingWire:
    """Forwards connections to a registry. Once `limit` bytes came from it, nothing goes on until `mend()`."""

    def __init__(self, registry: str):
        self.host, port = registry.split(":")
        self.port = int(port)
        self.limit: int | None = None
        self.passed = 0
        self.stuck = threading.Event()
        self.over = threading.Event()

    def __enter__(self):
        wire = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                with socket.create_connection((wire.host, wire.port)) as up:
                    threading.Thread(target=self.forward_up, args=(up,), daemon=True).start()
                    while piece := up.recv(1 << 16):
                        if wire.limit is not None and wire.passed + len(piece) > wire.limit:
                            wire.stuck.set()
                            wire.over.wait()
                            return
                        wire.passed += len(piece)
                        try:
                            self.request.sendall(piece)
                        except OSError:
                            return

            def forward_up(self, up):
                with contextlib.suppress(OSError):
                    while piece := self.request.recv(1 << 16):
                        up.sendall(piece)
                    up.shutdown(socket.SHUT_WR)

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        return self

    def mend(self):
        self.limit, self.passed = None, 0
        self.over.set()

    def __exit__(self, *_):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


class LyingRegistry:
    """Answers every path from `answers`: {"path's end": (status, headers, body or an iterator of pieces)}; 401 to
    those who do not send `sign_in`."""

    def __init__(self, answers: dict, sign_in: str = ""):
        lies = self
        self.sign_in = sign_in
        self.answers = answers
        self.asked: list[tuple[str, dict]] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                lies.asked.append((self.path, dict(self.headers)))
                for end, answer in lies.answers.items():
                    if not self.path.endswith(end):
                        continue
                    if lies.sign_in and self.headers.get("Authorization") != lies.sign_in:
                        answer = (401, {"WWW-Authenticate": 'Basic realm="x"', "Content-Length": "0"}, b"")
                    status, headers, body = answer
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    with contextlib.suppress(OSError):
                        for piece in [body] if isinstance(body, bytes) else body:
                            self.wfile.write(piece)
                    return
                self.send_error(404)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
