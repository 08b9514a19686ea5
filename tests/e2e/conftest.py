"""What the end-to-end tests share: servers that live for the whole session, and who speaks to them."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import openai
import pytest

import quern
from build import Missing, build, need
from tensors import OPENVINO, Library, Onnx

sys.path.insert(0, str(quern.ROOT / "tests" / "conformance"))
import programs  # noqa: E402

# What the model without weights says (src/inference/fake_script.cpp); the first entry that matches wins.
SCRIPT = [
    {"when": "ten steps", "say": [f"step {i} " for i in range(10)], "delay_ms": 100},
    {"when": "a long time", "say": [f"word {i} " for i in range(3000)], "delay_ms": 50},
    {"when": "much at once", "say": ["much " * 300] * 500},
    {"when": "emoji", "say": ["Grüße ", "🌍", "👩‍👩‍👧‍👦", " \u2028\u0000 ", "\"quoted\\\"\n\n", "data: x\n\n", "世界"]},
    {"when": "a tool", "call": {"name": "get_time", "arguments": "{\"zone\":\"UTC\"}"}},
    {"when": "be busy", "error": "resource_exhausted", "message": "the queue is full"},
    {"when": "break", "error": "internal", "message": "as the script says"},
    {"when": "stop halfway", "say": ["One. ", "Two. "], "error": "internal", "message": "as the script says", "delay_ms": 50},
    {"say": ["Hello", " from", " the", " script", "."]},
]


def pytest_sessionstart(session):
    if "QUERN_BUILD" not in os.environ:
        pytest.exit("QUERN_BUILD is not set: QUERN_BUILD=build/release pytest tests/e2e", returncode=2)
    if not os.path.exists(quern.binary()):
        pytest.exit(f"there is no {quern.binary()}: make build", returncode=2)


@pytest.fixture(scope="session")
def home(tmp_path_factory) -> pathlib.Path:
    """An empty home that the servers of a session share, so that code is compiled once."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def smollm2() -> pathlib.Path:
    return quern.where("models") / "smollm2-135m-instruct.gguf"


@pytest.fixture(scope="session")
def gemma() -> pathlib.Path:
    return quern.where("models") / "gemma-3-270m.gguf"


@pytest.fixture(scope="session")
def onnx() -> Onnx:
    folder = quern.where("onnx")
    if not (folder / ".ready").exists():
        pytest.skip(f"NOT TESTED: ONNX Runtime is not in {folder} (deps/onnx.sh)")
    return Onnx(folder)


@pytest.fixture(scope="session")
def openvino() -> Library:
    folder = quern.where("openvino")
    if not (folder / ".ready").exists():
        pytest.skip(f"NOT TESTED: OpenVINO is not in {folder} (deps/openvino.sh)")
    return Library(folder, "openvino/libs/libopenvino_c.so", OPENVINO)


@pytest.fixture(scope="session")
def server(home, smollm2):
    """The chat server with real weights."""
    # One thread: two that wait for each other crawl on a machine that is busy with other tests.
    with quern.Server("--model", smollm2, "--ctx-size", "2048", "--threads", "1", home=home) as running:
        yield running


@pytest.fixture(scope="session")
def script(tmp_path_factory) -> pathlib.Path:
    file = tmp_path_factory.mktemp("script") / "script.json"
    file.write_text(json.dumps(SCRIPT))
    return file


@pytest.fixture(scope="session")
def fake(home, script):
    """The chat server without weights: says what SCRIPT says."""
    with quern.Server("--fake-model", script, home=home) as running:
        yield running


def client_of(running: quern.Server, key: str = "none", **options) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{running.url}/v1", api_key=key, max_retries=0, timeout=quern.PATIENCE_S, **options)


@pytest.fixture(scope="session")
def client(server):
    return client_of(server)


@pytest.fixture(scope="session")
def model(client) -> str:
    return client.models.list().data[0].id


@pytest.fixture(scope="session")
def fake_client(fake):
    return client_of(fake)


@pytest.fixture(scope="session")
def guest():
    """guest("go/tool"): a foreign guest's file. Skips, naming what is missing, where it cannot be built."""

    def get(name: str) -> pathlib.Path:
        try:
            return build(name)
        except Missing as missing:
            pytest.skip(f"NOT TESTED: {name}: {missing}")

    return get


@pytest.fixture(scope="session")
def built():
    """built("p1"): the folder with its programs. Skips, naming what is missing, where it cannot be built."""

    def get(name: str):
        try:
            return programs.folder(name)
        except Missing as missing:
            pytest.skip(f"NOT TESTED: the conformance programs {name}: {missing}")

    return get


@pytest.fixture
def tree(tmp_path):
    """The folders that the programs are granted, and what lies in them: see p1/paths.c."""
    for folder in ("data/folder", "fixed"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "data" / "file.txt").write_text("0123456789")
    (tmp_path / "data" / "folder" / "inner.txt").write_text("inner")
    (tmp_path / "data" / "link").symlink_to("file.txt")
    (tmp_path / "data" / "way-out").symlink_to("../secret.txt")
    (tmp_path / "fixed" / "file.txt").write_text("fixed")
    (tmp_path / "secret.txt").write_text("secret")
    return ["--dir", f"{tmp_path}/data::/data", "--dir", f"{tmp_path}/fixed::/fixed:ro"]


@pytest.fixture
def wat(tmp_path):
    """wat("(module)"): a program from its text. Skips where the tool for that is missing."""

    def make(text: str):
        try:
            tools = need("wasm-tools", "deps/setup.sh tests")
        except Missing as missing:
            pytest.skip(f"NOT TESTED: {missing}")
        (tmp_path / "made.wat").write_text(text)
        subprocess.run([tools, "parse", tmp_path / "made.wat", "-o", tmp_path / "made.wasm"], check=True)
        return tmp_path / "made.wasm"

    return make


@pytest.fixture
def fresh_home(tmp_path):
    place = tmp_path / "home"
    place.mkdir()
    yield place
    shutil.rmtree(place, ignore_errors=True)  # models are large
