"""LoRA adapters: with weights, in packs, through registries. What they add is checked beside merged weights in
src/inference/adapter_test.cpp."""

import json
import urllib.request

import gguf
import pytest
import quern
from local_registry import docker_registry
from test_package import ask, digest_of, guest_file, said

QUESTION = "Where is the city of Lyon?"
WORDS = ("--ctx-size", "2048", "--threads", "1")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("adapted")


@pytest.fixture(scope="module")
def adapter(place):
    return gguf.write_adapter(place / "tilt.gguf", 30, 576)


def chat(home, *words) -> str:
    ended = quern.quern("chat", *words, *WORDS, "--temperature", "0", "--max-tokens", "12", QUESTION, home=home)
    assert ended.code == 0, ended.err
    return ended.out.strip()


@pytest.fixture(scope="module")
def adapted(place, smollm2, adapter) -> str:
    return chat(place, "--model", smollm2, "--lora", adapter)


def test_an_adapter_changes_what_is_said_and_its_scale_how_much(place, smollm2, adapter, adapted):
    bare = chat(place, "--model", smollm2)
    assert adapted != bare
    assert chat(place, "--model", smollm2, "--lora", f"{adapter}=1") == adapted
    assert chat(place, "--model", smollm2, "--lora", f"{adapter}=1e-9") == bare


def test_served_it_has_a_name_and_a_digest_of_its_own(place, smollm2, adapter, adapted):
    with quern.Server("--model", smollm2, "--lora", adapter, *WORDS, home=place) as server:
        with urllib.request.urlopen(f"{server.url}/v1/models") as listed:
            [name] = [entry["id"] for entry in json.load(listed)["data"]]
        assert name == f"{smollm2.stem}+tilt"
        assert said(ask(server.url, ("user", QUESTION), model=name))[0].strip() == adapted


@pytest.mark.parametrize("words, told", [
    (("--model", "smollm2-135m-instruct", "--model", "gemma", "--lora", "a.gguf"), "one --model"),
    (("--lora", "a.gguf"), "one --model"),
    (("--model", "x", "--lora", "a.gguf=0"), "FILE=SCALE"),
    (("--model", "x", "--lora", "=2"), "FILE=SCALE"),
])
def test_a_command_line_that_makes_no_sense_is_told_so(place, words, told):
    ended = quern.quern("chat", *words, "Hello", home=place)
    assert ended.code == 2 and told in ended.err, ended.err


def test_adapters_that_do_not_fit_say_why(place, smollm2, gemma, adapter):
    def refused(model, file) -> str:
        ended = quern.quern("chat", "--model", model, "--lora", file, "Hello", home=place)
        assert ended.code not in (0, 134), ended
        return ended.err

    assert "architecture llama, and this is one of gemma3" in refused(gemma, adapter)
    assert "does not exist in base model" in refused(smollm2, gguf.write_adapter(place / "deep.gguf", 31, 576))
    assert "incorrect shape" in refused(smollm2, gguf.write_adapter(place / "wide.gguf", 1, 640))
    (place / "cut.gguf").write_bytes(adapter.read_bytes()[:-100])
    assert "truncated" in refused(smollm2, place / "cut.gguf")
    assert "no LoRA adapter" in refused(smollm2, smollm2)
    assert "there is no model file" in refused(smollm2, place / "absent.gguf")


@pytest.fixture(scope="module")
def packed(place, smollm2, adapter):
    guest_file("model/model_guest.wasm")
    made = quern.quern("pack", smollm2, "--lora", f"{adapter}=0.5", "--name", "acme/tilted", "-o", "tilted.wasm", home=place)
    assert made.code == 0, made.err
    return place / "tilted.wasm"


def test_a_pack_with_an_adapter_travels_and_says_the_same(packed, place, smollm2, adapter, tmp_path_factory, fresh_home):
    card = json.loads(quern.quern("inspect", packed, "--json", home=place).out)["models"][0]
    assert [(each["digest"], each["scale"]) for each in card["adapters"]] == [(digest_of(adapter), 0.5)]
    assert card["weights"]["digest"] == digest_of(smollm2) != card["digest"]
    half = chat(place, "--model", smollm2, "--lora", f"{adapter}=0.5")
    assert chat(place, "--model", packed) == half
    with docker_registry(tmp_path_factory.mktemp("registry")) as registry:
        reference = f"{registry}/acme/tilted:1"
        sent = quern.quern("push", packed, reference, home=place)
        assert sent.code == 0 and sent.err.count("pushed: ") == 4, sent.err
        assert chat(fresh_home, "--model", reference) == half
        pulled = quern.quern("pull", reference, home=fresh_home)
        assert pulled.code == 0, pulled.err
    with quern.Server("--model", "tilted.wasm", *WORDS, home=fresh_home) as server:
        assert said(ask(server.url, ("user", QUESTION), model="acme/tilted"))[0].strip() == half
    told = quern.quern("chat", "--model", packed, "--lora", adapter, "Hello", home=place)
    assert told.code == 2 and "names its adapters itself" in told.err


def test_a_composed_app_is_granted_the_weights_with_their_adapter(packed, place, smollm2, adapter):
    chat_guest = guest_file("chat/chat_guest.wasm")
    made = quern.quern("compose", chat_guest, "--with", packed, "-o", "whole.wasm", home=place)
    assert made.code == 0, made.err
    words = ("serve", place / "whole.wasm", *WORDS, "--model", digest_of(smollm2))
    half = chat(place, "--model", packed)
    with quern.Server(*words, "--lora", f"{digest_of(adapter)}=0.5", home=place) as server:
        assert said(ask(server.url, ("user", QUESTION), model="acme/tilted"))[0].strip() == half
    # The same weights without it are another model.
    with quern.Server(*words, home=place) as server, pytest.raises(urllib.error.HTTPError):
        ask(server.url, ("user", QUESTION), model="acme/tilted")
