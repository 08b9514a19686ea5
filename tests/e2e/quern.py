"""The program under test, from outside: runs it, serves with it, looks at its process."""

import contextlib
import dataclasses
import os
import pathlib
import re
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "guests"))
from build import where  # noqa: E402

# Long enough for a loaded machine; nothing here is decided by how long it took.
PATIENCE_S = int(os.environ.get("QUERN_TEST_PATIENCE_S", "120"))


def binary() -> str:
    return str(pathlib.Path(os.environ["QUERN_BUILD"]).resolve() / "bin" / "quern")


def environment(home: pathlib.Path, **more: str) -> dict[str, str]:
    """A user's environment and no more: an empty HOME, and no source of models but those given."""
    home.mkdir(parents=True, exist_ok=True)
    return {
        "HOME": str(home),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        # Compiled code is kept between runs: half a minute for an interpreter as a component.
        "XDG_CACHE_HOME": str(where("cache") / "e2e"),
        # Closed ports: no test reaches the network unless it says where.
        "HF_ENDPOINT": "http://127.0.0.1:9",
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        **more,
    }


@contextlib.contextmanager
def serving(handler: type[socketserver.BaseRequestHandler]):
    """A server of the test's own on loopback, a thread for each connection; its port."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@dataclasses.dataclass
class Ended:
    code: int
    out: str
    err: str


def quern(*args, home: pathlib.Path, stdin: str | bytes = "", timeout: float = PATIENCE_S, **env: str) -> Ended:
    """Runs one command to its end."""
    given = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run([binary(), *map(str, args)], input=given, capture_output=True, timeout=timeout,
                          env=environment(home, **env), cwd=home)
    return Ended(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


class Server:
    """`with Server("--model", path, home=home) as server:` runs it on a free port and ends it by SIGTERM."""

    def __init__(self, *args, home: pathlib.Path, port: int = 0, **env: str):
        self.args = [str(arg) for arg in args]
        self.env = environment(home, **env)
        self.port = port
        self.process: subprocess.Popen | None = None
        self.url = ""
        self.killed = False

    def __enter__(self):
        words = [*self.args, "--port", str(self.port)]
        if "serve" not in words:
            words.append("--no-open")
        self.log_file = tempfile.NamedTemporaryFile(prefix="quern-server-", suffix=".log")
        self.process = subprocess.Popen([binary(), *words], env=self.env, stdin=subprocess.DEVNULL,
                                        stdout=self.log_file, stderr=subprocess.STDOUT, cwd=self.env["HOME"])
        try:
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def _wait_until_ready(self):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            found = re.search(r"ready after[^/]*?(https?://[\w.\[\]:-]+:(\d+))", self.log())
            if found:
                self.url, self.port = found.group(1), int(found.group(2))
                return
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log()}")
            time.sleep(0.02)
        raise AssertionError(f"the server never said where it listens:\n{self.log()}")

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                code = self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"SIGTERM did not end the server:\n{self.log()}") from None
            if kind is None:
                assert code == 0, f"ended by SIGTERM with {code}:\n{self.log()}"
        elif kind is None and not self.killed:
            raise AssertionError(f"the server was gone already ({self.process.returncode}):\n{self.log()}")

    def kill(self):
        """kill -9: the machine lost power, as far as the program can tell."""
        self.killed = True
        self.process.kill()
        self.process.wait()

    def log(self) -> str:
        return pathlib.Path(self.log_file.name).read_text(errors="replace")

    def status(self, field: str) -> int:
        """A number from /proc/PID/status: "Threads", "VmRSS" (KiB)."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{field}:\s+(\d+)", text, re.M).group(1))

    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))
