"""Models as components: packed, put together with programs, pushed, pulled, signed."""

import base64
import hashlib
import io
import itertools
import json
import os
import pathlib
import subprocess
import tarfile
import time
import urllib.parse
import urllib.request

import pytest
import quern
from local_registry import MANIFEST, BreakingWire, LyingRegistry, call, docker_registry, put_blob

SYSTEM = "You are a geographer. Answer every question with the name of one country."
QUESTION = "Where is the city of Lyon?"


def guest_file(name: str) -> pathlib.Path:
    file = pathlib.Path(os.environ["QUERN_BUILD"]).resolve() / "guests" / name
    if not file.exists():
        pytest.skip(f"NOT TESTED: there is no {name}: the tools for components are missing (deps/setup.sh)")
    return file


def digest_of(file: pathlib.Path) -> str:
    with file.open("rb") as opened:
        return "sha256:" + hashlib.file_digest(opened, "sha256").hexdigest()


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> pathlib.Path:
    """A home whose store has the weights, because a model was packed there; analyst.wasm lies in it."""
    return tmp_path_factory.mktemp("packer")


@pytest.fixture(scope="module")
def analyst(place, smollm2) -> pathlib.Path:
    guest_file("model/model_guest.wasm")
    (place / "analyst.txt").write_text(SYSTEM + "\n")
    made = quern.quern("pack", smollm2, "--system", "analyst.txt", "--name", "acme/analyst", "-o", "analyst.wasm", home=place)
    assert made.code == 0, made.err
    return place / "analyst.wasm"


def ask(url: str, *messages: tuple[str, str], model: str = "default") -> dict:
    body = {"model": model, "messages": [{"role": role, "content": text} for role, text in messages],
            "temperature": 0, "max_tokens": 12}
    request = urllib.request.Request(f"{url}/v1/chat/completions", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=quern.PATIENCE_S) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def plain_answer(place, smollm2) -> dict:
    """What the weights say when somebody tells them the system text; as the first request, as everywhere below."""
    with quern.Server("--model", smollm2, "--ctx-size", "2048", "--threads", "1", home=place) as server:
        return ask(server.url, ("system", SYSTEM), ("user", QUESTION), model=smollm2.stem)


def said(answer: dict) -> tuple[str, int]:
    return answer["choices"][0]["message"]["content"], answer["usage"]["prompt_tokens"]


def test_a_packed_model_names_its_weights_and_its_grants(analyst, smollm2):
    shown = quern.quern("inspect", analyst, "--json", home=analyst.parent)
    assert shown.code == 0, shown.err
    told = json.loads(shown.out)
    assert told["kind"] == "component" and told["digest"] == digest_of(analyst)
    assert told["exports"] == ["quern:llm/inference@0.1.0"]
    [card] = told["models"]
    assert card["name"] == "acme/analyst" and card["system"] == SYSTEM
    assert card["weights"]["digest"] == digest_of(smollm2)
    assert card["weights"]["size_bytes"] == smollm2.stat().st_size
    assert any(card["weights"]["digest"] in grant for grant in told["grants"])
    text = quern.quern("inspect", analyst, home=analyst.parent).out
    assert "acme/analyst" in text
    assert not card["weights"]["licence"] and ", \n" not in text and ",\n" not in text


def test_the_same_card_gives_the_same_component(analyst):
    again = quern.quern("pack", "smollm2-135m-instruct", "--system", "analyst.txt", "--name", "acme/analyst",
                        "-o", "again.wasm", home=analyst.parent)
    assert again.code == 0, again.err
    assert (analyst.parent / "again.wasm").read_bytes() == analyst.read_bytes()


def test_served_it_says_what_its_weights_say_with_the_system_text(analyst, plain_answer):
    with quern.Server("--model", analyst, "--ctx-size", "2048", "--threads", "1", home=analyst.parent) as server:
        with urllib.request.urlopen(f"{server.url}/v1/models") as listed:
            assert [entry["id"] for entry in json.load(listed)["data"]] == ["acme/analyst"]
        assert said(ask(server.url, ("user", QUESTION), model="acme/analyst")) == said(plain_answer)
        # Another system message comes behind the card's; templates know only one.
        _, tokens = said(ask(server.url, ("system", "Be brief."), ("user", QUESTION), model="acme/analyst"))
        assert tokens > said(plain_answer)[1]


@pytest.fixture(scope="module")
def whole(analyst) -> pathlib.Path:
    chat = guest_file("chat/chat_guest.wasm")
    made = quern.quern("compose", chat, "--with", analyst, "-o", "whole.wasm", home=analyst.parent)
    assert made.code == 0, made.err
    return analyst.parent / "whole.wasm"


def test_a_composed_app_runs_with_the_weights_granted_by_digest(whole, analyst, smollm2, plain_answer):
    shown = json.loads(quern.quern("inspect", whole, "--json", home=whole.parent).out)
    assert [card["name"] for card in shown["models"]] == ["acme/analyst"]
    with quern.Server("serve", whole, "--model", digest_of(smollm2), "--ctx-size", "2048", "--threads", "1",
                      home=whole.parent) as server:
        assert said(ask(server.url, ("user", QUESTION), model="acme/analyst")) == said(plain_answer)


def test_in_the_terminal_it_says_the_same(analyst, plain_answer, fresh_home, smollm2):
    words = ("--ctx-size", "2048", "--threads", "1", "--temperature", "0", "--max-tokens", "12", QUESTION)
    answered = quern.quern("chat", "--model", analyst, *words, home=analyst.parent)
    assert answered.code == 0, answered.err
    assert answered.out.strip() == said(plain_answer)[0].strip()
    # Where the catalog does not have the weights they may lie beside it.
    (fresh_home / "analyst.wasm").write_bytes(analyst.read_bytes())
    alone = quern.quern("chat", "--model", "analyst.wasm", "Hello", home=fresh_home)
    assert alone.code != 0 and digest_of(smollm2) in alone.err
    (fresh_home / "some.gguf").symlink_to(smollm2)
    beside = quern.quern("chat", "--model", "analyst.wasm", *words, home=fresh_home)
    assert beside.code == 0 and beside.out == answered.out, beside.err
    with quern.Server("--model", "analyst.wasm", "--ctx-size", "2048", "--threads", "1", home=fresh_home) as server:
        assert said(ask(server.url, ("user", QUESTION), model="acme/analyst")) == said(plain_answer)


def test_a_model_with_code_of_its_own_is_not_spoken_for(analyst):
    own = analyst.read_bytes().replace(SYSTEM.encode(), SYSTEM.upper().encode(), 1)
    (analyst.parent / "own.wasm").write_bytes(own)
    refused = quern.quern("chat", "--model", "own.wasm", "Hello", home=analyst.parent)
    assert refused.code != 0 and "code of its own" in refused.err


def test_a_composed_app_without_its_weights_is_refused_by_the_host(analyst, script):
    app = guest_file("probe/llm_probe.wasm")
    made = quern.quern("compose", app, "--with", analyst, "-o", "probe.wasm", home=analyst.parent)
    assert made.code == 0, made.err

    def opened(*options):
        with quern.Server("serve", analyst.parent / "probe.wasm", *options, home=analyst.parent) as server:
            with urllib.request.urlopen(f"{server.url}/open/default") as answer:
                return answer.read().decode(), server.log()

    refused, log = opened()
    assert "permission-denied" in refused
    assert "whose weights are not granted; --model sha256:" in log
    # Other weights, of whatever name, are not those that the component means.
    assert "permission-denied" in opened("--fake-model", script)[0]


def test_any_program_can_be_served_with_a_model_component(analyst):
    app = guest_file("probe/llm_probe.wasm")
    with quern.Server("serve", app, "--model", analyst, "--ctx-size", "2048", "--threads", "1", home=analyst.parent) as server:
        for path in ("read", "poll", "stream"):
            text = urllib.parse.quote("The capital of France is")
            with urllib.request.urlopen(f"{server.url}/{path}/{text}", timeout=quern.PATIENCE_S) as answer:
                assert answer.read().strip(), path
        with urllib.request.urlopen(f"{server.url}/open/somebody-else") as answer:
            assert b"model-not-found" in answer.read()


def test_a_program_of_another_toolchain_is_composed_and_run(analyst, guest, plain_answer):
    """componentize-py's: 30 imports, an interpreter inside. The answer is the one of the chat server."""
    app = guest("python/ask")
    words = ("--ctx-size", "2048", "--threads", "1", "--model", analyst, app, QUESTION)
    answered = quern.quern("run", *words, home=analyst.parent)
    assert answered.code == 0, answered.err
    assert answered.out.strip() == said(plain_answer)[0].strip()


def test_what_does_not_fit_is_said(analyst, smollm2):
    home = analyst.parent

    def refused(*words) -> str:
        ended = quern.quern(*words, home=home)
        assert ended.code != 0 and not (home / "no.wasm").exists()
        return ended.err

    assert "uses no model" in refused("compose", guest_file("hello/hello.wasm"), "--with", analyst, "-o", "no.wasm")
    assert "is no component" in refused("compose", analyst, "--with", smollm2, "-o", "no.wasm")
    assert "no model is called" in refused("pack", "nobody", "-o", "no.wasm")
    assert "no name for a model" in refused("pack", smollm2, "--name", "a b", "-o", "no.wasm")
    assert "name no other beside it" in refused("serve", analyst, "--model", analyst, "--model", "gemma")
    assert "no WebAssembly" in refused("inspect", smollm2)


def test_names_that_are_no_text_do_no_harm(fresh_home):
    (fresh_home / "odd.wasm").write_bytes(b"\0asm\1\0\0\0" + b"\x02\x08\x01\x02\xff\x1b\x01f\x00\x00")
    assert len(json.loads(quern.quern("inspect", "odd.wasm", "--json", home=fresh_home).out)["imports"]) == 1
    shown = quern.quern("inspect", "odd.wasm", home=fresh_home)
    assert shown.code == 0 and "\x1b" not in shown.out


# ---- registries ----


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    with docker_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture(scope="module")
def pushed(registry, analyst) -> str:
    reference = f"{registry}/acme/analyst:1"
    sent = quern.quern("push", analyst, reference, home=analyst.parent)
    assert sent.code == 0, sent.err
    assert sent.err.count("pushed: ") == 3, "the component, its weights, its configuration"
    return reference


def fetch_json(url: str) -> dict:
    with call("GET", url, Accept=MANIFEST) as answer:
        return json.load(answer)


def test_what_is_pushed_is_an_artifact_as_the_working_group_has_it(pushed, registry, analyst, smollm2):
    manifest = fetch_json(f"http://{registry}/v2/acme/analyst/manifests/1")
    assert manifest["config"]["mediaType"] == "application/vnd.wasm.config.v0+json"
    program, weights = manifest["layers"]
    assert (program["mediaType"], program["digest"]) == ("application/wasm", digest_of(analyst))
    assert (weights["digest"], weights["size"]) == (digest_of(smollm2), smollm2.stat().st_size)
    config = fetch_json(f"http://{registry}/v2/acme/analyst/blobs/{manifest['config']['digest']}")
    assert (config["architecture"], config["os"]) == ("wasm", "wasip2")
    assert config["layerDigests"] == [program["digest"], weights["digest"]]
    assert config["component"]["exports"] == ["quern:llm/inference@0.1.0"]
    again = quern.quern("push", analyst, f"{registry}/acme/analyst:2", home=analyst.parent)
    assert again.code == 0 and again.err.count("is there already: ") == 3, again.err
    alone = quern.quern("push", "--without-weights", analyst, f"{registry}/acme/analyst:alone", home=analyst.parent)
    assert alone.code == 0, alone.err
    assert len(fetch_json(f"http://{registry}/v2/acme/analyst/manifests/alone")["layers"]) == 1
    shown = quern.quern("inspect", pushed, "--json", home=analyst.parent)
    assert shown.code == 0, shown.err
    told = json.loads(shown.out)
    assert told["digest"] == digest_of(analyst) and len(told["layers"]) == 2
    assert told["models"][0]["name"] == "acme/analyst"


def test_pushed_pulled_into_an_empty_home_and_asked(pushed, fresh_home, analyst, plain_answer):
    pulled = quern.quern("pull", pushed, home=fresh_home)
    assert pulled.code == 0, pulled.err
    assert (fresh_home / "analyst.wasm").read_bytes() == analyst.read_bytes()
    with quern.Server("--model", "analyst.wasm", "--ctx-size", "2048", "--threads", "1", home=fresh_home) as server:
        assert said(ask(server.url, ("user", QUESTION), model="acme/analyst")) == said(plain_answer)


def test_a_reference_is_a_model_wherever_one_is_named(pushed, fresh_home, plain_answer):
    words = ("--model", pushed, "--ctx-size", "2048", "--threads", "1")
    answered = quern.quern("chat", *words, "--temperature", "0", "--max-tokens", "12", QUESTION, home=fresh_home)
    assert answered.code == 0, answered.err
    assert answered.out.strip() == said(plain_answer)[0].strip()
    with quern.Server(*words, home=fresh_home) as server:
        assert said(ask(server.url, ("user", QUESTION), model="acme/analyst")) == said(plain_answer)
    assert not list(fresh_home.glob("*.wasm"))


def test_a_pull_that_was_killed_goes_on_where_it_was(pushed, registry, fresh_home, smollm2):
    with BreakingWire(registry) as wire:
        reference = pushed.replace(registry, wire.address)
        wire.limit = 40 << 20
        pull = subprocess.Popen([quern.binary(), "pull", reference], env=quern.environment(fresh_home), cwd=fresh_home,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert wire.stuck.wait(quern.PATIENCE_S)
        came = lambda: sum(file.stat().st_size for file in fresh_home.rglob("partial/*/*"))  # noqa: E731
        end = time.monotonic() + quern.PATIENCE_S
        while came() < 39 << 20 and time.monotonic() < end:
            time.sleep(0.02)
        pull.kill()
        pull.wait()
        assert not (fresh_home / "analyst.wasm").exists(), "the program comes when its weights are there"
        kept = came()
        assert kept > 30 << 20
        wire.mend()
        again = quern.quern("pull", reference, home=fresh_home)
        assert again.code == 0, again.err
        assert wire.passed < smollm2.stat().st_size - kept + (1 << 20), "what came before the kill is not fetched again"
        before = wire.passed
        assert quern.quern("pull", reference, "-o", "again.wasm", home=fresh_home).code == 0
        assert wire.passed - before < 1 << 20, "weights that are here are not fetched"


def test_a_registry_that_asks_who_one_is(analyst, tmp_path_factory, fresh_home):
    with docker_registry(tmp_path_factory.mktemp("locked"), sign_in=True) as registry:
        reference = f"{registry}/acme/analyst:1"
        words = ("push", "--without-weights", analyst, reference)
        stranger = quern.quern(*words, home=analyst.parent)
        assert stranger.code != 0 and f"docker login {registry}" in stranger.err
        (fresh_home / ".docker").mkdir()
        config = fresh_home / ".docker" / "config.json"
        config.write_text(json.dumps({"auths": {registry: {"auth": base64.b64encode(b"tester:wrong").decode()}}}))
        assert quern.quern(*words, home=fresh_home).code != 0
        config.write_text(json.dumps({"auths": {registry: {"auth": base64.b64encode(b"tester:secret").decode()}}}))
        known = quern.quern(*words, home=fresh_home)
        assert known.code == 0, known.err


def test_an_image_of_one_layer_is_read_too(registry, analyst, fresh_home):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.add(analyst, "analyst.wasm")
    layer, config = packed.getvalue(), b'{"architecture":"wasm","os":"wasi"}'
    descriptors = []
    for kind, blob in (("application/vnd.oci.image.config.v1+json", config), ("application/vnd.oci.image.layer.v1.tar+gzip", layer)):
        digest = "sha256:" + hashlib.sha256(blob).hexdigest()
        put_blob(registry, "acme/twin", blob, digest)
        descriptors.append({"mediaType": kind, "digest": digest, "size": len(blob)})
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptors[0], "layers": descriptors[1:]}
    call("PUT", f"http://{registry}/v2/acme/twin/manifests/1", json.dumps(manifest).encode(), Content_Type=MANIFEST).close()
    pulled = quern.quern("pull", f"{registry}/acme/twin:1", home=fresh_home)
    assert pulled.code == 0, pulled.err
    assert (fresh_home / "twin.wasm").read_bytes() == analyst.read_bytes()
    assert "comes without its weights" in pulled.err


def lies_about(wasm: bytes, layer: tuple, **more) -> dict:
    digest = "sha256:" + hashlib.sha256(wasm).hexdigest()
    manifest = {"schemaVersion": 2, "config": {"mediaType": "x", "digest": digest, "size": 2},
                "layers": [{"mediaType": "application/wasm", "digest": digest, "size": len(wasm)}]}
    return {"/manifests/1": (200, {"Content-Type": MANIFEST}, json.dumps(manifest).encode()), f"/blobs/{digest}": layer, **more}


WASM = b"\0asm\1\0\0\0"


@pytest.mark.parametrize("layer, told", [
    ((200, {"Content-Length": "8"}, b"\0asm\1\0\0\1"), "something else than the blob"),
    ((200, {"Content-Length": "8"}, b"\0asm"), "the connection ended before the answer did"),
    ((200, {}, (b"x" * 65536 for _ in itertools.count())), "more than the 8 B"),
    ((404, {"Content-Length": "0"}, b""), "answered 404"),
    ((500, {"Content-Length": "0"}, b""), "answered 500"),
    ((307, {"Location": "/v2/acme/lie/blobs/round", "Content-Length": "0"}, b""), "redirected more than"),
    ((307, {"Location": "file:///etc/passwd", "Content-Length": "0"}, b""), "http"),
], ids=["other bytes", "cut off", "endless", "gone", "broken", "round and round", "a file"])
def test_a_registry_that_lies_is_told_so(fresh_home, layer, told):
    round_trip = (307, {"Location": "/v2/acme/lie/blobs/round", "Content-Length": "0"}, b"")
    with LyingRegistry(lies_about(WASM, layer, round=round_trip)) as registry:
        pulled = quern.quern("pull", f"{registry.address}/acme/lie:1", home=fresh_home)
    assert pulled.code != 0 and told in pulled.err, pulled.err
    assert not list(fresh_home.glob("*.wasm"))


def test_a_sign_in_stays_with_its_registry(fresh_home):
    """Blobs are often elsewhere; whoever keeps them does not hear the password."""
    with LyingRegistry({"/stored": (200, {"Content-Length": "8"}, WASM)}) as store:
        moved = (307, {"Location": f"http://{store.address}/stored", "Content-Length": "0"}, b"")
        auth = base64.b64encode(b"u:p").decode()
        with LyingRegistry(lies_about(WASM, moved), sign_in=f"Basic {auth}") as registry:
            (fresh_home / ".docker").mkdir()
            (fresh_home / ".docker/config.json").write_text(json.dumps({"auths": {registry.address: {"auth": auth}}}))
            pulled = quern.quern("pull", f"{registry.address}/acme/lie:1", home=fresh_home)
            assert pulled.code == 0, pulled.err
            assert "Authorization" in registry.asked[-1][1]
        assert store.asked and all("Authorization" not in headers for _, headers in store.asked)


def test_a_reference_without_a_registry_is_refused(fresh_home):
    ended = quern.quern("pull", "analyst", home=fresh_home)
    assert ended.code == 2 and "REGISTRY/NAME" in ended.err


# ---- signatures ----


def openssl(*words, data: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *map(str, words)], input=data, capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def keys(place) -> tuple[pathlib.Path, pathlib.Path]:
    secret, public = place / "key.pem", place / "key.pub"
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", secret)
    openssl("pkey", "-in", secret, "-pubout", "-out", public)
    return secret, public


def signature_tag(registry: str, repository: str, tag: str) -> tuple[str, str]:
    with call("GET", f"http://{registry}/v2/{repository}/manifests/{tag}", Accept=MANIFEST) as answer:
        digest = "sha256:" + hashlib.sha256(answer.read()).hexdigest()
    return digest, digest.replace(":", "-") + ".sig"


def test_signed_here_openssl_agrees(pushed, registry, keys, place, tmp_path):
    secret, public = keys
    unsigned = quern.quern("verify", "--key", public, pushed, home=place)
    assert unsigned.code != 0 and "is not signed" in unsigned.err
    signed = quern.quern("sign", "--key", secret, pushed, home=place)
    assert signed.code == 0, signed.err
    digest, tag = signature_tag(registry, "acme/analyst", "1")
    manifest = fetch_json(f"http://{registry}/v2/acme/analyst/manifests/{tag}")
    [layer] = manifest["layers"]
    assert layer["mediaType"] == "application/vnd.dev.cosign.simplesigning.v1+json"
    with call("GET", f"http://{registry}/v2/acme/analyst/blobs/{layer['digest']}") as blob:
        payload = blob.read()
    told = json.loads(payload)["critical"]
    assert told["image"]["docker-manifest-digest"] == digest
    assert told["identity"]["docker-reference"] == f"{registry}/acme/analyst"
    (tmp_path / "sig").write_bytes(base64.b64decode(layer["annotations"]["dev.cosignproject.cosign/signature"]))
    assert b"Verified OK" in openssl("dgst", "-sha256", "-verify", public, "-signature", tmp_path / "sig", data=payload)
    assert quern.quern("verify", "--key", public, pushed, home=place).code == 0


def test_signed_by_another_program_is_verified_here(registry, analyst, keys, place):
    secret, public = keys
    reference = f"{registry}/acme/foreign:1"
    assert quern.quern("push", "--without-weights", analyst, reference, home=place).code == 0
    digest, tag = signature_tag(registry, "acme/foreign", "1")

    def publish(about: str, signed: bytes | None = None):
        payload = json.dumps({"critical": {"identity": {"docker-reference": f"{registry}/acme/foreign"},
                                           "image": {"docker-manifest-digest": about},
                                           "type": "cosign container image signature"}, "optional": {"by": "a test"}}).encode()
        signature = base64.b64encode(openssl("dgst", "-sha256", "-sign", secret, data=signed or payload)).decode()
        config = b"{}"
        descriptors = []
        for kind, blob in (("application/vnd.oci.image.config.v1+json", config),
                           ("application/vnd.dev.cosign.simplesigning.v1+json", payload)):
            name = "sha256:" + hashlib.sha256(blob).hexdigest()
            put_blob(registry, "acme/foreign", blob, name)
            descriptors.append({"mediaType": kind, "digest": name, "size": len(blob)})
        descriptors[1]["annotations"] = {"dev.cosignproject.cosign/signature": signature}
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptors[0], "layers": descriptors[1:]}
        call("PUT", f"http://{registry}/v2/acme/foreign/manifests/{tag}", json.dumps(manifest).encode(), Content_Type=MANIFEST).close()

    def verified(key=public) -> bool:
        return quern.quern("verify", "--key", key, reference, home=place).code == 0

    publish("sha256:" + "0" * 64)
    assert not verified(), "a signature of something else, put under this name"
    publish(digest, signed=b"other words")
    assert not verified(), "a signature of other words"
    publish(digest)
    assert verified()
    other = place / "other.pem"
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", other)
    openssl("pkey", "-in", other, "-pubout", "-out", place / "other.pub")
    assert not verified(place / "other.pub")
    # A second signature stands beside the first.
    assert quern.quern("sign", "--key", other, reference, home=place).code == 0
    assert verified() and verified(place / "other.pub")
