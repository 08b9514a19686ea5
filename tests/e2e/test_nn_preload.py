"""`quern run --nn-preload`: what is granted by it and what is not, told to the person who runs the program.

What the programs themselves hear is in test_nn_guests.py.
"""

import json

import checkpoint
import pytest
import quern

CONTINUE = "The capital of France is"


@pytest.fixture
def nn(guest, home, smollm2):
    """nn("nn-basic", arguments...): runs it with SmolLM2 under the name `default`."""
    def run_it(name: str, *args, preload: str = f"default:GGML:AUTO:{smollm2}", options=(), **more) -> quern.Ended:
        preloads = ["--nn-preload", preload] if preload else []
        return quern.quern("run", "--threads", "1", *preloads, *options, guest(f"rust/{name}"), *args, home=home, **more)
    return run_it


def counts(text: str) -> list[dict]:
    """The lines of JSON among what a program wrote to standard error."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_a_schema_shapes_the_answer(nn):
    schema = json.dumps({"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"],
                         "additionalProperties": False})
    ended = nn("nn-metadata", "default", json.dumps({"json-schema": schema, "temp": 0, "n-predict": 60}), "", "Ann is 30.")
    assert ended.code == 0, ended.err
    assert isinstance(json.loads(ended.out)["age"], int)


def test_what_is_not_preloaded_is_not_found(nn):
    ended = nn("nn-basic", "other", CONTINUE)
    assert ended.code != 0
    assert 'models = ["other"]' in ended.err
    nothing = nn("nn-basic", "default", CONTINUE, preload="")
    assert nothing.code != 0 and "not granted" in nothing.err


def test_a_file_that_is_missing_is_told_when_it_is_loaded(nn):
    ended = nn("nn-basic", "default", CONTINUE, preload="default:GGML:AUTO:/no/such.gguf")
    assert ended.code != 0
    assert "/no/such.gguf" in ended.err


def test_a_file_that_is_no_model(nn, tmp_path):
    file = tmp_path / "junk.gguf"
    file.write_bytes(b"GGUF" + bytes(range(256)))
    ended = nn("nn-basic", "default", CONTINUE, preload=f"default:GGML:AUTO:{file}")
    assert ended.code != 0
    assert "junk.gguf" in ended.err or "default" in ended.err


def test_a_checkpoint_of_llama2c(nn, tmp_path):
    file = checkpoint.write(tmp_path)
    options = json.dumps({"temp": 0, "n-predict": 8})
    ended, again = (nn("nn-metadata", "default", options, "", "ab ba", preload=f"default:GGML:AUTO:{file}") for _ in range(2))
    assert ended.code == 0, ended.err
    assert ended.out and ended.out == again.out
    assert counts(ended.err)[-1]["output_tokens"] == 8, ended.err
    (tmp_path / "tokenizer.bin").unlink()
    ended = nn("nn-metadata", "default", options, "", "ab ba", preload=f"default:GGML:AUTO:{file}")
    assert ended.code != 0 and "tokenizer.bin" in ended.err


def test_the_variable_of_container_runtimes(nn, smollm2):
    ended = nn("nn-metadata", "small", '{"temp": 0, "n-predict": 8}', "", CONTINUE, preload="",
               WASMEDGE_WASINN_PRELOAD=f"small:GGML:AUTO:{smollm2}")
    assert ended.code == 0, ended.err
    assert "Paris" in ended.out


@pytest.mark.parametrize("text, word", [("default", "four parts"), ("a:PyTorch:CPU:x", "not offered"), ("a:GGML:NPU:x", "NPU")])
def test_a_preload_that_makes_no_sense(nn, text, word):
    ended = nn("nn-basic", "a", "b", preload=text)
    assert ended.code == 2 and word in ended.err


def test_a_budget_of_tokens_holds(nn):
    ended = nn("nn-metadata", "default", '{"temp": 0, "n-predict": 30}', "", "Once upon a time", options=["--tokens", "10"])
    assert ended.code == 0, ended.err
    assert counts(ended.err)[-1]["input_tokens"] + counts(ended.err)[-1]["output_tokens"] <= 11
