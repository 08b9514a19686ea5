"""Programs for WasmEdge: in Rust with its own crates (wasmedge-wasi-nn, wasmedge_wasi_socket), in C and in Go.

First, that they ask of their host what such programs ask, no more and in these types: they are foreign
to Quern, and a change of a crate or compiler that changes their imports is seen here. Then, what they get.
"""

import json
import re
import subprocess

import pytest
import quern
from build import need

# Parameters of each function; all are i32, as is the one result.
NN = {"load": 5, "load_by_name": 3, "load_by_name_with_config": 5, "init_execution_context": 2, "set_input": 3, "compute": 1,
      "compute_single": 1, "get_output": 5, "get_output_single": 5, "fini_single": 1, "unload": 1,
      "finalize_execution_context": 1}
SOCKETS = {"sock_open": 3, "sock_bind": 3, "sock_listen": 2, "sock_accept": 2, "sock_connect": 3, "sock_recv": 6,
           "sock_send": 5, "sock_shutdown": 2, "sock_setsockopt": 5, "sock_getlocaladdr": 4, "sock_getpeeraddr": 4,
           "sock_getaddrinfo": 8}

ASKS = {
    "rust/nn-basic": {"load_by_name", "init_execution_context", "set_input", "compute", "get_output", "unload"},
    "rust/nn-stream": {"load_by_name", "init_execution_context", "set_input", "compute_single", "get_output_single",
                       "fini_single"},
    "rust/nn-metadata": {"load_by_name", "load_by_name_with_config", "init_execution_context", "set_input", "compute",
                         "get_output"},
    "rust/nn-embedding": {"load_by_name_with_config", "init_execution_context", "set_input", "compute", "get_output"},
    "rust/nn-sockets": set(SOCKETS),
    "c/nn": {"load", "init_execution_context", "set_input", "compute_single", "get_output_single", "fini_single",
             "finalize_execution_context", "unload"},
    "llamaedge/server": {"load_by_name", "load_by_name_with_config", "init_execution_context", "set_input", "compute",
                         "compute_single", "get_output", "get_output_single", "fini_single", "unload"}
                        | set(SOCKETS) - {"sock_connect", "sock_getaddrinfo"},
    "go/nn": {"load_by_name_with_config", "init_execution_context", "set_input", "compute", "get_output"},
}


def imports(program) -> dict[tuple[str, str], tuple[int, int]]:
    """(module, name) of each function that it imports, with its numbers of i32 parameters and results."""
    text = subprocess.check_output([need("wasm-tools", "deps/setup.sh tests"), "print", program], text=True)
    found = {}
    for module, name, rest in re.findall(r'^  \(import "([^"]+)" "([^"]+)" \(func (.*)$', text, re.M):
        shape = [re.search(rf"\({kind}((?: \w+)+)\)", rest) for kind in ("param", "result")]
        words = [match.group(1).split() if match else [] for match in shape]
        found[module, name] = tuple(len(types) if set(types) <= {"i32"} else -1 for types in words)
    return found


@pytest.mark.parametrize("name", ASKS)
def test_what_it_asks_of_its_host(guest, name):
    asked = imports(guest(name))
    assert {module for module, _ in asked} <= {"wasi_ephemeral_nn", "wasi_snapshot_preview1", "wasi:logging/logging"}
    special = {function: shape for (module, function), shape in asked.items()
               if module == "wasi_ephemeral_nn" or function.startswith("sock_")}
    assert special == {function: ((NN | SOCKETS)[function], 1) for function in ASKS[name]}


# ---- what they get ------------------------------------------------------------------------------------------


@pytest.fixture
def ask(guest, home, smollm2):
    """ask("nn-stream", ARGUMENT...): runs that program with a model it knows as "small"."""
    def ask_it(name: str, *args, tokens: int = 512, **more) -> quern.Ended:
        options = ["--nn-preload", f"small:GGML:AUTO:{smollm2}", "--ctx-size", tokens, "--threads", "1"]
        return quern.quern("run", *options, guest(name if "/" in name else f"rust/{name}"), *args, home=home, **more)
    return ask_it


def counts(line: str) -> dict:
    """What a program prints of output 1: WasmEdge's programs need all four."""
    said = json.loads(line)
    assert set(said) >= {"input_tokens", "output_tokens", "llama_build_number", "llama_commit"}
    assert isinstance(said["llama_build_number"], int) and isinstance(said["llama_commit"], str)
    return said


CALM = {"temp": 0, "n-predict": 8}  # the same each time


def test_an_answer_at_once(ask):
    ended = ask("nn-basic", "small", "One, two, three,", tokens=64)
    # Without options it answers until the model ends or its context is full; either is an answer.
    assert ended.code == 0 and ended.out.strip(), ended.err
    *before, last = ended.err.splitlines()
    assert before in ([], ["context full"])
    said = counts(last)
    assert said["input_tokens"] > 3 and 0 < said["output_tokens"] <= 64 - said["input_tokens"]


def test_an_answer_token_by_token(ask):
    ended = ask("nn-stream", "small", "One, two, three,", 6)
    assert ended.code == 0 and len(ended.out.splitlines()) == 6, ended.err
    pieces, end = ended.err.splitlines()[-2:]
    assert end == "ended: limit" and counts(pieces)["output_tokens"] >= 6


def test_a_full_context_is_told(ask):
    ended = ask("nn-stream", "small", "word " * 40, tokens=64)
    assert ended.code == 0, ended.err
    assert ended.err.splitlines()[-1] in ("ended: context full", "ended: end of sequence")
    assert len(ended.out.splitlines()) < 64


def test_options_come_with_the_graph_or_with_the_prompt(ask):
    calm = json.dumps(CALM)
    at_load = ask("nn-metadata", "small", calm, "", "The capital of France is")
    later = ask("nn-metadata", "small", "", calm, "The capital of France is")
    both = ask("nn-metadata", "small", json.dumps({"temp": 2, "n-predict": 3}), calm, "The capital of France is")
    assert at_load.code == later.code == both.code == 0, at_load.err + later.err + both.err
    assert at_load.out == later.out == both.out and "Paris" in at_load.out
    before, after = at_load.err.splitlines()[-2:]
    assert counts(before)["output_tokens"] == 0, "asked before there was a prompt"
    assert counts(after)["output_tokens"] == CALM["n-predict"]


def test_a_grammar_is_kept(ask):
    options = json.dumps({"grammar": 'root ::= "violet" | "crimson"', "n-predict": 20})
    ended = ask("nn-metadata", "small", "", options, "My favourite colour is")
    assert ended.code == 0 and ended.out.strip() in ("violet", "crimson"), ended


@pytest.mark.parametrize("options, error", [("{", "InvalidEncoding"), ('{"temp": "hot"}', "InvalidArgument"),
                                            ('{"n-predict": "8"}', "InvalidArgument"), ('[1]', "InvalidEncoding")])
def test_options_that_are_none_are_refused(ask, options, error):
    ended = ask("nn-metadata", "small", "", options, "x")
    assert ended.code == 1 and f"BackendError({error})" in ended.err, ended.err


def test_keys_that_nobody_knows_are_passed_over(ask):
    ended = ask("nn-metadata", "small", json.dumps(CALM | {"webui": False, "port": 80}), "", "One, two,")
    assert ended.code == 0 and ended.out.strip(), ended.err


@pytest.mark.parametrize("program, args", [("nn-basic", ["x"]), ("nn-stream", ["x", "1"]), ("nn-metadata", ["{}", "", "x"])])
def test_a_model_that_is_not_granted_is_not_found(ask, program, args):
    ended = ask(program, "large", *args)
    assert ended.code == 1 and "(NotFound)" in ended.err, ended.err


def test_vectors(ask):
    ended = ask("nn-embedding", "small", "a cat sits on a mat", "a cat sits on a mat", "interest rates were raised")
    assert ended.code == 0, ended.err
    lines = [line.split() for line in ended.out.splitlines()]
    vectors = [[float(number) for number in numbers] for _, *numbers in lines]
    assert all(int(length) == len(vector) == 576 for (length, *_), vector in zip(lines, vectors))
    same, alike, other = (sum(a * b for a, b in zip(vectors[0], vector)) for vector in vectors)
    assert same == pytest.approx(1, abs=1e-4) and alike == pytest.approx(1, abs=1e-4) and other < 0.99


# ---- other languages ----------------------------------------------------------------------------------------


def test_in_c_token_by_token(ask):
    ended = ask("c/nn", "small", "The capital of France is", 8)
    assert ended.code == 0 and "Paris" in ended.out, ended
    said = counts(ended.err.splitlines()[0])
    assert said["input_tokens"] > 3 and 0 < said["output_tokens"] <= 8
    assert "no open execution context" in ended.err, "what is freed is gone"
    ended = ask("c/nn", "large", "x", 1)
    assert ended.code == 1 and "load: error" in ended.err and 'models = ["large"]' in ended.err, ended


def test_in_go_at_once(ask):
    ended = ask("go/nn", "small", json.dumps(CALM), "The capital of France is")
    assert ended.code == 0 and "Paris" in ended.out, ended
    assert counts(ended.err.splitlines()[-1])["output_tokens"] == CALM["n-predict"]
    ended = ask("go/nn", "small", "{", "x")
    assert ended.code == 1 and "load_by_name_with_config: error 2" in ended.err, ended
