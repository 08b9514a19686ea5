"""What every bench needs: servers under test, a streaming client, medians, machine notes, results.

The client speaks HTTP/1.1 over asyncio streams with nothing in between, so that its own cost is
small and the same for both sides.
"""

import asyncio
import json
import math
import os
import pathlib
import platform
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("QUERN_BUILD", ROOT / "build" / "release")).resolve()
QUERN = BUILD / "bin" / "quern"


def where(part: str) -> pathlib.Path:
    return pathlib.Path(subprocess.check_output([ROOT / "deps" / "where", part], text=True).strip())


MODEL = where("models") / "smollm2-135m-instruct.gguf"
PEERS = where("llama") / "peers" / "bin"
THREADS = len(os.sched_getaffinity(0))


def machine() -> str:
    cpu = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    flags = pathlib.Path("/proc/cpuinfo").read_text()
    kernels = [f for f in ("amx_int8", "avx512_vnni", "avx512f", "avx2") if f in flags]
    return f"{cpu.group(1) if cpu else platform.machine()}, {THREADS} cores, {kernels[0] if kernels else 'no avx2'}"


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A server process; ready when GET path answers 200. `ready_s` is how long that took."""

    def __init__(self, command, port, path, env=None):
        self.port = port
        self.home = tempfile.TemporaryDirectory()
        self.log = tempfile.TemporaryFile()
        start = time.perf_counter()
        self.process = subprocess.Popen(
            [str(c) for c in command], stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL,
            env={**os.environ, "HOME": self.home.name, **(env or {})})
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1) as answer:
                    if answer.status == 200:
                        break
            except OSError:
                pass
            if self.process.poll() is not None or time.perf_counter() - start > 60:
                self.log.seek(0)
                sys.exit(f"{command[0]} did not start:\n{self.log.read().decode(errors='replace')[-2000:]}")
            time.sleep(0.002)
        self.ready_s = time.perf_counter() - start

    def status(self, key: str) -> int:
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{key}:\s*(\d+)", text, re.M).group(1))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def quern(*options, model=MODEL) -> Server:
    port = free_port()
    return Server([QUERN, "--model", model, "--port", port, "--no-open", "--threads", THREADS, *options], port, "/health")


def llama_server(*options, model=MODEL) -> Server:
    port = free_port()
    return Server([PEERS / "llama-server", "--model", model, "--port", port, "--host", "127.0.0.1",
                   "--threads", THREADS, "--no-webui", *options], port, "/health")


def request_of(body: dict) -> bytes:
    data = json.dumps({"model": "default", "stream": True, "stream_options": {"include_usage": True}, **body}).encode()
    return (b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(data) + data)


class Answer:
    """What a stream of events said, and when; `start` is when it was asked for."""

    def __init__(self, start: float):
        self.start, self.first, self.last = start, None, None
        self.text, self.usage, self.timings = [], {}, {}

    def hear(self, line: bytes, now: float) -> None:
        if not line.startswith(b"data: {"):
            return
        event = json.loads(line[6:])
        self.usage = event.get("usage") or self.usage
        self.timings = event.get("timings") or self.timings
        for choice in event.get("choices", []):
            piece = choice.get("delta", {}).get("content")
            if piece:
                self.first = self.first or now
                self.last = now
                self.text.append(piece)

    def result(self) -> dict:
        now = time.perf_counter()
        return {"first_s": (self.first or now) - self.start, "last_s": (self.last or now) - self.start,
                "prompt": self.usage.get("prompt_tokens", 0), "tokens": self.usage.get("completion_tokens", 0),
                "pieces": len(self.text), "text": "".join(self.text), "timings": self.timings}


def must_be_ok(status: bytes, rest: bytes) -> None:
    if b" 200 " not in status:
        sys.exit(f"{status.decode().strip()}: {rest.decode(errors='replace')[:500]}")


async def stream_chat(port: int, body: dict) -> dict:
    """One streamed chat completion among many: seconds to the first and last token, tokens, and the text."""
    answer = Answer(time.perf_counter())
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request_of(body))
    status = await reader.readline()
    if b" 200 " not in status:
        must_be_ok(status, await reader.read())
    async for line in reader:
        answer.hear(line, time.perf_counter())
    writer.close()
    return answer.result()


def chat(port: int, body: dict, seconds: float = math.inf) -> dict:
    """One streamed chat completion alone. What came is noted as it comes and read when all is there: a
    client that parses meanwhile takes its time from the model's threads. The client leaves with what comes
    more than `seconds` after the first piece."""
    answer = Answer(time.perf_counter())
    chunks, leave = [], math.inf
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request_of(body))
        while chunk := connection.recv(1 << 16):
            chunks.append((time.perf_counter(), chunk))
            if b'"content"' in chunk:
                leave = min(leave, chunks[-1][0] + seconds)
            if chunks[-1][0] > leave:
                break
    must_be_ok(*b"".join(chunk for _, chunk in chunks).split(b"\r\n", 1))
    rest = b""
    for now, chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            answer.hear(line, now)
    return answer.result()


median = statistics.median


def report(name: str, figures: dict, model: pathlib.Path | None = MODEL) -> None:
    """Prints the figures and writes them to bench/results/NAME.json with the machine beside them."""
    command = " ".join([f"bench/{name}.py", *sys.argv[1:]])
    about = {"bench": name, "command": command, "machine": machine(), "date": time.strftime("%Y-%m-%d")}
    if model:
        about["model"] = model.name
    figures = {**about, **figures}
    print(json.dumps(figures, indent=2))
    path = ROOT / "bench" / "results" / f"{name}.json"
    path.write_text(json.dumps(figures, indent=2) + "\n")
