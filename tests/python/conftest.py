"""The package as it lies in the tree, on the library of the build; with a script, and with real weights."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("QUERN_BUILD", ROOT / "build" / "release")).resolve()
# Long enough for a loaded machine; nothing here is decided by how long it took.
PATIENCE_S = int(os.environ.get("QUERN_TEST_PATIENCE_S", "120"))

os.environ["QUERN_LIBRARY"] = str(BUILD / "lib" / "libquern.so")
sys.path.insert(0, str(ROOT / "sdk" / "python"))

import quern  # noqa: E402

SCRIPT = [
    {"when": "one by one", "say": ["one ", "two ", "three"], "delay_ms": 10},
    {"when": "for ever", "say": [f"word {i} " for i in range(5_000)], "delay_ms": 20},
    {"when": "never", "say": ["at last"], "delay_ms": 600_000},
    {"when": "emoji", "say": ["Grüße ", "🌍", "👩‍👩‍👧‍👦", "\u0000 ", "世界"]},
    {"when": "it rains", "say": ["Take an umbrella."]},
    {"when": "weather", "call": {"id": "c1", "name": "weather", "arguments": '{"city": "Rome", "days": 2}'}},
    {"when": "again and again", "call": {"name": "again", "arguments": '{"what": "again and again"}'}},
    {"when": "half a call", "call": {"name": "weather", "arguments": '{"city": "Ro'}},
    {"when": "person", "say": ['{"name": "Ann", ', '"age": 41, "pets": [{"name": "Rex"}]}']},
    {"when": "not JSON", "say": ["Sure! Here"]},
    {"when": "be busy", "error": "resource_exhausted", "message": "the queue is full"},
    {"say": ["Hello", " there", "."]},
]


def where(part: str) -> pathlib.Path:
    return pathlib.Path(subprocess.check_output([ROOT / "deps" / "where", part], text=True).strip())


@pytest.fixture
def llm():
    with quern.fake(SCRIPT) as model:
        yield model


@pytest.fixture(scope="session")
def weights() -> pathlib.Path:
    file = where("models") / "smollm2-135m-instruct.gguf"
    assert file.exists(), "make setup-tests fetches it"
    return file


@pytest.fixture(scope="session")
def smollm2(weights):
    # One thread: two that wait for each other crawl on a machine that is busy with other tests.
    with quern.load(weights, context_tokens=2048, threads=1) as model:
        yield model


@pytest.fixture
def run_python(tmp_path):
    """Begins another Python with this package on a program's text: run_python(text, *arguments) -> Popen."""
    begun = []

    def run(text: str, *arguments: object) -> subprocess.Popen:
        program = tmp_path / "program.py"
        program.write_text(text)
        process = subprocess.Popen([sys.executable, "-u", program, *map(str, arguments)], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True,
                                   env={**os.environ, "PYTHONPATH": str(ROOT / "sdk" / "python")})
        begun.append(process)
        return process

    yield run
    for process in begun:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen) -> str:
    """What it said; it must have ended well."""
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, f"ended with {process.returncode}:\n{out}\n{err}"
    return out
