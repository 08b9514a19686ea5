"""Programs of WASI-NN that hand tensors to ONNX graphs: a component in C against wasi:nn's own WIT, and a core
module in Rust on the crate `wasi-nn`; and a service in Python. What they get is what Python's onnxruntime gives on the same files.
"""

import concurrent.futures
import json
import subprocess
import urllib.error
import urllib.request

import numpy as np
import pytest
import quern
from tensors import TYPES, outputs, program_and_words

# Writes a graph of one operation that takes hours in 24 MiB: the averages of each two million of four million numbers.
HOURS = """
import sys
import numpy as np
from onnx import TensorProto, helper, numpy_helper
nodes = [helper.make_node("ConstantOfShape", ["shape"], ["numbers"]),
         helper.make_node("AveragePool", ["numbers"], ["averages"], kernel_shape=[2 << 20]),
         helper.make_node("Size", ["averages"], ["count"])]
graph = helper.make_graph(nodes, "hours", [], [helper.make_tensor_value_info("count", TensorProto.INT64, [])],
                          [numpy_helper.from_array(np.array([1, 1, 4 << 20]), "shape")])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
open(sys.argv[1], "wb").write(model.SerializeToString())
"""


@pytest.fixture
def run(guest, home, onnx):
    """run("component" or "module", graph's name or "@file", inputs, option...)."""
    def run_it(world: str, graph: str, inputs: dict, *options, library=None, **more) -> quern.Ended:
        program, words = program_and_words(guest, world, inputs)
        return quern.quern("run", *options, program, graph, *words, home=home,
                           QUERN_ONNXRUNTIME=library or onnx.library, **more)
    return run_it


BOTH = pytest.mark.parametrize("world", ["component", "module"])


@BOTH
def test_a_sentence_encoder_gives_what_python_gets(run, onnx, world):
    inputs = onnx.sentences("a cat sits on a mat", "the kitten rests on the rug", "interest rates were raised")
    expected = onnx.reference(onnx.graph("minilm"), inputs)
    ended = run(world, "encoder", inputs, "--nn-preload", f"encoder:ONNX:CPU:{onnx.graph('minilm')}")
    got = outputs(world, ended, list(expected))
    for name, array in expected.items():
        assert np.abs(np.frombuffer(got[name], "f4").reshape(array.shape) - array).max() < 1e-5, name
    cat, kitten, rates = np.frombuffer(got["sentence_embedding"], "f4").reshape(3, 384)
    assert cat @ kitten > 0.5 > 0.3 > cat @ rates


def test_the_shape_of_a_batch_is_the_programs(run, onnx):
    for texts in (["a cat"], ["a cat sits", "a mat"], ["one", "two", "three", "four words are here"]):
        inputs = onnx.sentences(*texts)
        ended = run("component", "encoder", inputs, "--nn-preload", f"encoder:ONNX:AUTO:{onnx.graph('minilm')}")
        assert ended.code == 0, ended.err
        rows, words = inputs["input_ids"].shape
        assert [line.split()[2] for line in ended.out.splitlines()] == [f"{rows}x{words}x384", f"{rows}x384"]


def test_every_element_type_passes_through_a_component(run, onnx, guest, home):
    kinds = {"f16": (0, 2), "f32": (1, 4), "f64": (2, 8), "bf16": (3, 2), "u8": (4, 1), "i32": (5, 4), "i64": (6, 8)}
    words, expected = [], []
    for name, (kind, size) in kinds.items():
        data = bytes(range(1, 6 * size + 1)).hex()
        words += [name, kind, "2x3", data]
        expected.append(f"{name}_out {kind} 2x3 {data}")
    ended = quern.quern("run", "--nn-preload", f"types:ONNX:CPU:{onnx.graph('types')}", guest("c/tensors"), "types", *words,
                        home=home, QUERN_ONNXRUNTIME=onnx.library)
    assert ended.code == 0, ended.err
    assert ended.out.splitlines() == expected


def test_large_tensors_go_through_a_component(onnx, guest, home):
    count = 5 << 20  # 20 MiB each
    words = [word for name in "ab" for word in (name, TYPES["float32"], count, f"={4 * count}")]
    ended = quern.quern("run", "--nn-preload", f"sum:ONNX:CPU:{onnx.graph('sum')}", guest("c/tensors"), "sum", *words,
                        home=home, QUERN_ONNXRUNTIME=onnx.library)
    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[0] == f"sum {TYPES['float32']} {count} ={4 * count}"


def test_tensors_beyond_the_bound_end_the_component_and_not_the_host(onnx, guest, home):
    words = ["a", TYPES["uint8"], 65 << 20, f"={65 << 20}"]
    ended = quern.quern("run", "--nn-preload", f"sum:ONNX:CPU:{onnx.graph('sum')}", guest("c/tensors"), "sum", *words,
                        home=home, QUERN_ONNXRUNTIME=onnx.library)
    assert ended.code == 134 and "64 MiB" in ended.err, ended


ONE = {"a": np.array([1, 2], "f4"), "b": np.array([10, 20], "f4")}


@BOTH
def test_a_graph_may_be_detected_by_its_files_name(run, onnx, world):
    ended = run(world, "sum", ONE, "--nn-preload", f"sum:autodetect:AUTO:{onnx.graph('sum')}")
    assert np.frombuffer(outputs(world, ended, ["sum", "shape"])["sum"], "f4").tolist() == [11, 22]


@BOTH
def test_a_program_may_bring_its_own_graph_where_that_is_granted(run, onnx, world, tmp_path):
    folder = ("--dir", f"{onnx.graphs}::/graphs:ro")
    denied = run(world, "@/graphs/sum.onnx", ONE, *folder)
    assert denied.code == 1 and 'graphs = "1MiB"' in denied.err
    ended = run(world, "@/graphs/sum.onnx", ONE, *folder, "--graphs", "1MiB")
    assert np.frombuffer(outputs(world, ended, ["sum", "shape"])["sum"], "f4").tolist() == [11, 22]
    (tmp_path / "large.onnx").write_bytes(bytes(2 << 20))
    too_large = run(world, "@/more/large.onnx", ONE, "--dir", f"{tmp_path}::/more:ro", "--graphs", "1MiB")
    assert too_large.code == 1 and 'graphs = "3MiB"' in too_large.err


@BOTH
def test_a_graph_of_the_programs_own_opens_no_files(run, onnx, world):
    ended = run(world, "@/graphs/files.onnx", {}, "--dir", f"{onnx.graphs}::/graphs:ro", "--graphs", "1MiB")
    assert ended.code == 1 and "further files" in ended.err
    owners = run(world, "files", {}, "--nn-preload", f"files:ONNX:CPU:{onnx.graph('files')}")
    assert outputs(world, owners, ["out"])["out"] == b"abcd"


@BOTH
def test_an_operation_that_takes_hours_does_not_hold_the_end_of_a_run(run, onnx, world, tmp_path):
    subprocess.run([onnx.python, "-c", HOURS, tmp_path / "hours.onnx"], check=True)
    ended = run(world, "@/graphs/hours.onnx", {}, "--dir", f"{tmp_path}::/graphs:ro", "--graphs", "1MiB", "--timeout", "2s")
    assert ended.code == 124 and "quern run --timeout 1h" in ended.err, ended


@BOTH
def test_a_name_that_is_not_granted(run, onnx, world):
    ended = run(world, "other", {}, "--nn-preload", f"sum:ONNX:CPU:{onnx.graph('sum')}")
    assert ended.code == 1 and 'models = ["other"]' in ended.err


@BOTH
def test_a_file_that_is_no_graph_or_half_of_one(run, onnx, world, tmp_path):
    half = tmp_path / "half.onnx"
    half.write_bytes(onnx.graph("minilm").read_bytes()[:1_000_000])
    junk = tmp_path / "junk.onnx"
    junk.write_bytes(b"GGUF" + bytes(range(256)) * 100)
    for file in (half, junk, tmp_path / "missing.onnx"):
        ended = run(world, "graph", {}, "--nn-preload", f"graph:ONNX:CPU:{file}")
        assert ended.code == 1 and "loading graph" in ended.err, ended.err


@BOTH
def test_tensors_that_do_not_fit(run, onnx, world):
    preload = ("--nn-preload", f"sum:ONNX:CPU:{onnx.graph('sum')}")
    for wrong in ({"a": ONE["a"]}, {"a": ONE["a"], "b": np.array([1], "i8")}, {"a": ONE["a"], "b": np.ones([2, 2, 2], "f4")}):
        ended = run(world, "sum", wrong, *preload)
        assert ended.code == 1 and ("error 0:" if world == "component" else "InvalidArgument") in ended.err, ended.err


@BOTH
def test_a_computation_that_does_not_end_ends_with_its_program(run, onnx, world):
    # If it did not, the process would wait for its threads for ever.
    ended = run(world, "endless", {"step": np.array([1], "f4")}, "--timeout", "2s", "--nn-preload",
                f"endless:ONNX:CPU:{onnx.graph('endless')}")
    assert ended.code == 124 and "--timeout" in ended.err, ended


@BOTH
def test_more_memory_than_there_is(run, onnx, world):
    ended = run(world, "memory", {"size": np.array([1 << 40], "i8")}, "--nn-preload", f"memory:ONNX:CPU:{onnx.graph('memory')}")
    assert ended.code == 1, ended
    assert "memory" in ended.err.lower() or "allocat" in ended.err.lower()


@BOTH
def test_without_the_library_the_program_hears_what_is_missing(run, onnx, world):
    ended = run(world, "sum", ONE, "--nn-preload", f"sum:ONNX:CPU:{onnx.graph('sum')}", library="/no/such/libonnxruntime.so")
    assert ended.code == 1 and "QUERN_ONNXRUNTIME=/no/such/libonnxruntime.so" in ended.err


def test_a_service_computes_for_many_at_once(guest, home, onnx):
    texts = ["a cat sits", "the kitten rests on the rug", "interest rates were raised", "one two three"] * 4
    expected = {text: onnx.reference(onnx.graph("minilm"), onnx.sentences(text))["sentence_embedding"][0] for text in set(texts)}
    with quern.Server("serve", guest("python/vectors"), "--nn-preload", f"encoder:ONNX:CPU:{onnx.graph('minilm')}",
                      home=home, QUERN_ONNXRUNTIME=onnx.library) as server:
        def vector(text: str) -> np.ndarray:
            ids = ",".join(map(str, onnx.sentences(text)["input_ids"][0]))
            with urllib.request.urlopen(f"{server.url}/?ids={ids}", timeout=quern.PATIENCE_S) as answer:
                return np.frombuffer(bytes.fromhex(answer.read().decode()), "f4")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for text, got in zip(texts, pool.map(vector, texts)):
                assert np.abs(got - expected[text]).max() < 1e-5, text
    with quern.Server("serve", guest("python/vectors"), home=home) as server:
        with pytest.raises(urllib.error.HTTPError) as denied:
            urllib.request.urlopen(f"{server.url}/?ids=101", timeout=quern.PATIENCE_S)
        assert denied.value.code == 500 and denied.value.read().decode().startswith("SECURITY: using the model")


def test_a_language_model_answers_a_component(run, smollm2):
    prompt = np.frombuffer(b"The capital of France is", "u1")
    options = np.frombuffer(b'{"temp": 0, "n-predict": 8}', "u1")
    ended = run("component", "small", {"prompt": prompt, "options": options}, "--threads", "1",
                "--nn-preload", f"small:GGML:AUTO:{smollm2}")
    said = outputs("component", ended, ["text", "counts"])
    assert b"Paris" in said["text"]
    assert json.loads(said["counts"])["output_tokens"] == 8
