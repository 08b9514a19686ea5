"""Packs: models that `quern pack` made, as files and out of a registry."""

import base64
import hashlib
import importlib.util
import json
import pathlib
import sys

import pytest

import quern
from conftest import BUILD, ROOT

SYSTEM = "You are a geographer. Answer every question with the name of one country."
QUESTION = "Where is the city of Lyon?"
MODEL = {"context_tokens": 2048, "threads": 1}
ANSWER = {"temperature": 0, "max_tokens": 12}


def helper(name: str):
    """Of the end-to-end tests; their module `quern` has this package's name, and so gets another one here."""
    spec = importlib.util.spec_from_file_location(f"e2e_{name}", ROOT / "tests" / "e2e" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def digest_of(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


@pytest.fixture(scope="module")
def packed(weights, tmp_path_factory):
    """A home whose store has the weights, and analyst.wasm in it."""
    if not (BUILD / "guests" / "model" / "model_guest.wasm").exists():
        pytest.skip("NOT TESTED: the tools for components are missing (deps/setup.sh)")
    home = tmp_path_factory.mktemp("packer")
    (home / "analyst.txt").write_text(SYSTEM)
    made = helper("quern").quern("pack", weights, "--system", "analyst.txt", "--name", "acme/analyst", "-o", "analyst.wasm", home=home)
    assert made.code == 0, made.err
    return home / "analyst.wasm"


@pytest.fixture(scope="module")
def plain(weights):
    """What the weights say when somebody tells them the system text."""
    with quern.load(weights, **MODEL) as llm:
        return llm.chat(QUESTION, system=SYSTEM, **ANSWER)


def same(reply: quern.Reply, plain: quern.Reply) -> bool:
    return reply.text == plain.text and reply.usage.prompt_tokens == plain.usage.prompt_tokens


def test_a_pack_has_its_name_and_says_its_text_first(packed, plain, weights, monkeypatch):
    monkeypatch.setenv("QUERN_HOME", str(packed.parent / ".local/share/quern"))
    with quern.load(packed, **MODEL) as llm:
        assert llm.info.name == "acme/analyst"
        assert llm.info.digest == digest_of(weights.read_bytes())
        assert same(llm.chat(QUESTION, **ANSWER), plain)
        assert llm.count_tokens(QUESTION) == plain.usage.prompt_tokens
        assert llm.count_tokens(QUESTION, system="Be brief.") > plain.usage.prompt_tokens


def test_its_weights_may_lie_beside_it(packed, plain, weights, monkeypatch, tmp_path):
    monkeypatch.setenv("QUERN_HOME", str(tmp_path / "home"))
    pack = tmp_path / "analyst.wasm"
    pack.write_bytes(packed.read_bytes())
    with pytest.raises(quern.UnavailableError, match=digest_of(weights.read_bytes())):
        monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
        monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
        quern.load(pack)
    (tmp_path / "own name.gguf").symlink_to(weights)
    with quern.load(pack, **MODEL) as llm:
        assert same(llm.chat(QUESTION, **ANSWER), plain)


def registry_of(pack: pathlib.Path, weights: bytes) -> dict:
    program = pack.read_bytes()
    layers = [{"mediaType": kind, "digest": digest_of(blob), "size": len(blob)}
              for kind, blob in (("application/wasm", program), ("application/vnd.quern.weights.v1.gguf", weights))]
    manifest = json.dumps({"schemaVersion": 2, "config": {**layers[0], "mediaType": "x"}, "layers": layers}).encode()
    kind = {"Content-Type": "application/vnd.oci.image.manifest.v1+json", "Content-Length": str(len(manifest))}
    blobs = {f"/blobs/{digest_of(blob)}": (200, {"Content-Length": str(len(blob))}, blob) for blob in (program, weights)}
    return {"/manifests/1": (200, kind, manifest), **blobs}


def test_a_pack_is_loaded_out_of_a_registry(packed, plain, weights, monkeypatch, tmp_path):
    registries = helper("local_registry")
    monkeypatch.setenv("QUERN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    auth = base64.b64encode(b"tester:secret").decode()
    content = weights.read_bytes()
    with registries.LyingRegistry(registry_of(packed, content), sign_in=f"Basic {auth}") as registry:
        reference = f"{registry.address}/acme/analyst:1"
        with pytest.raises(quern.PermissionDeniedError, match="docker login"):
            quern.load(reference)
        (tmp_path / "config.json").write_text(json.dumps({"auths": {registry.address: {"auth": auth}}}))
        told = []
        with quern.load(reference, progress=lambda source, done, total: told.append((done, total)), **MODEL) as llm:
            assert llm.info.name == "acme/analyst"
            assert same(llm.chat(QUESTION, **ANSWER), plain)
        assert told and told[-1][1] == len(content)
        registry.asked.clear()
        with quern.load(reference, **MODEL):
            pass
        assert not any(digest_of(content) in path for path, _ in registry.asked), "weights that are here are not fetched"


def test_a_registry_that_sends_something_else_is_not_believed(packed, weights, monkeypatch, tmp_path):
    registries = helper("local_registry")
    monkeypatch.setenv("QUERN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    answers = registry_of(packed, weights.read_bytes())
    program = f"/blobs/{digest_of(packed.read_bytes())}"
    answers[program] = (*answers[program][:2], packed.read_bytes()[:-1] + b"x")
    with registries.LyingRegistry(answers) as registry, pytest.raises(quern.CorruptDataError, match="something else"):
        quern.load(f"{registry.address}/acme/analyst:1")
