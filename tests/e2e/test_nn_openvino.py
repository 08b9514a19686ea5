"""Programs of WASI-NN whose graphs OpenVINO runs, in both worlds: its own form, ONNX, TensorFlow and TensorFlow Lite.
What they get is what Python's openvino gives on the same files, or what can be computed by hand.
"""

import concurrent.futures
import json
import shutil
import urllib.request

import numpy as np
import pytest
import quern
from tensors import outputs, program_and_words

BOTH = pytest.mark.parametrize("world", ["component", "module"])
ONE = {"a": np.array([1, 2], "f4"), "b": np.array([10, 20], "f4")}


@pytest.fixture
def run(guest, home, openvino):
    """run("component" or "module", graph's name or "@file", inputs, option...)."""
    def run_it(world: str, graph: str, inputs: dict, *options, **more) -> quern.Ended:
        program, words = program_and_words(guest, world, inputs)
        return quern.quern("run", *options, program, graph, *words, home=home, **{"QUERN_OPENVINO": openvino.library, **more})
    return run_it


def preload(graph, encoding: str = "OpenVINO") -> tuple[str, str]:
    return "--nn-preload", f"graph:{encoding}:CPU:{graph}"


@BOTH
@pytest.mark.parametrize("form", ["xml", "onnx"])
def test_a_sentence_encoder_gives_what_python_gets(run, onnx, openvino, world, form):
    graph = openvino.graphs / "minilm.xml" if form == "xml" else onnx.graph("minilm")
    inputs = onnx.sentences("a cat sits on a mat", "the kitten rests on the rug", "interest rates were raised")
    expected = openvino.reference(graph, inputs)
    got = outputs(world, run(world, "graph", inputs, *preload(graph)), list(expected))
    for name, array in expected.items():
        assert np.abs(np.frombuffer(got[name], "f4").reshape(array.shape) - array).max() < 1e-5, name
    cat, kitten, rates = np.frombuffer(got["sentence_embedding"], "f4").reshape(3, 384)
    assert cat @ kitten > 0.5 > 0.3 > cat @ rates


def test_the_shape_of_a_batch_is_the_programs(run, onnx, openvino):
    for texts in (["a cat"], ["a cat sits", "a mat"], ["one", "two", "three", "four words are here"]):
        inputs = onnx.sentences(*texts)
        ended = run("component", "graph", inputs, *preload(openvino.graphs / "minilm.xml"))
        assert ended.code == 0, ended.err
        rows, words = inputs["input_ids"].shape
        assert [line.split()[2] for line in ended.out.splitlines()] == [f"{rows}x{words}x384", f"{rows}x384"]


def test_every_element_type_passes_through_a_component(openvino, guest, home):
    kinds = {"f16": (0, 2), "f32": (1, 4), "f64": (2, 8), "bf16": (3, 2), "u8": (4, 1), "i32": (5, 4), "i64": (6, 8)}
    words, expected = [], []
    for name, (kind, size) in kinds.items():
        data = bytes(range(1, 6 * size + 1)).hex() if name != "i64" else np.array([0, 1, -1, 70000, 2**31 - 1, -2**31]).tobytes().hex()
        words += [name, kind, "2x3", data]
        expected.append(f"{name}_out {kind} 2x3 {data}")
    ended = quern.quern("run", *preload(openvino.graphs / "types.xml"), guest("c/tensors"), "graph", *words,
                        home=home, QUERN_OPENVINO=openvino.library)
    assert ended.code == 0, ended.err
    assert ended.out.splitlines() == expected


@BOTH
def test_a_number_that_openvino_would_cut_off_is_refused(run, openvino, world):
    ended = run(world, "graph", {"size": np.array([2**32 + 1])}, *preload(openvino.graphs / "large.xml"))
    assert ended.code == 1 and "4294967297 needs more" in ended.err, ended


@BOTH
@pytest.mark.parametrize("encoding, file", [("Tensorflow", "dense.pb"), ("tensorflow", "dense"), ("TensorflowLite", "dense.tflite"),
                                            ("autodetect", "dense.tflite"), ("autodetect", "dense.pb")])
def test_tensorflow_gives_what_can_be_computed_by_hand(run, openvino, world, encoding, file):
    held = {name: np.array(array) for name, array in json.loads((openvino.graphs / "dense.json").read_text()).items()}
    x = np.random.default_rng(3).normal(size=(3, 8)).astype("f4")
    scores = np.maximum(x @ held["a"] + held["b"], 0) @ held["c"] + held["d"]
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    ended = run(world, "graph", {"x": x}, *preload(openvino.graphs / file, encoding))
    assert ended.code == 0, ended.err
    got = np.frombuffer(bytes.fromhex(ended.out.split()[-1]), "f4").reshape(3, 4)
    assert np.abs(got - expected).max() < 1e-5


@BOTH
def test_weights_may_lie_elsewhere(run, openvino, world, tmp_path):
    inputs = {"a": np.array([1, 2], "f4"), "b": np.array([10, 20], "f4")}
    for suffix in ("xml", "bin"):
        shutil.copy(openvino.graphs / f"sum.{suffix}", tmp_path / f"{suffix}.{suffix}")
    for file in (f"{tmp_path / 'xml.xml'}:{tmp_path / 'bin.bin'}", openvino.graphs / "sum.xml"):
        ended = run(world, "graph", inputs, *preload(file, "OPENVINO"))
        assert np.frombuffer(outputs(world, ended, ["sum", "shape"])["sum"], "f4").tolist() == [11, 22]


def test_a_service_computes_for_many_at_once(guest, home, onnx, openvino):
    graph = openvino.graphs / "minilm.xml"
    texts = ["a cat sits", "the kitten rests on the rug", "interest rates were raised", "one two three"] * 3
    expected = {text: openvino.reference(graph, onnx.sentences(text))["sentence_embedding"][0] for text in set(texts)}
    with quern.Server("serve", guest("python/vectors"), "--nn-preload", f"encoder:OpenVINO:CPU:{graph}", home=home,
                      QUERN_OPENVINO=openvino.library) as server:
        def vector(text: str) -> np.ndarray:
            ids = ",".join(map(str, onnx.sentences(text)["input_ids"][0]))
            with urllib.request.urlopen(f"{server.url}/?ids={ids}", timeout=quern.PATIENCE_S) as answer:
                return np.frombuffer(bytes.fromhex(answer.read().decode()), "f4")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for text, got in zip(texts, pool.map(vector, texts)):
                assert np.abs(got - expected[text]).max() < 1e-5, text


@BOTH
def test_a_loop_that_does_not_end_does_not_hold_the_end_of_a_run(run, openvino, world):
    ended = run(world, "graph", {"step": np.array([1], "f4")}, "--timeout", "2s", *preload(openvino.graphs / "endless.xml"))
    assert ended.code == 124 and "--timeout" in ended.err, ended


@BOTH
def test_onnx_is_read_where_onnx_runtime_is_not(run, onnx, home, openvino, world):
    told = json.loads(quern.quern("doctor", "--json", home=home).out)
    if next(each for each in told["findings"] if each["name"] == "ONNX Runtime")["state"] == "ok":
        pytest.skip("NOT TESTED: this machine has ONNX Runtime where it is always found")
    ended = run(world, "graph", ONE, *preload(onnx.graph("sum"), "ONNX"))
    assert np.frombuffer(outputs(world, ended, ["sum", "shape"])["sum"], "f4").tolist() == [11, 22]
    neither = run(world, "graph", ONE, *preload(onnx.graph("sum"), "ONNX"), QUERN_OPENVINO="/no/such.so")
    assert neither.code == 1 and "QUERN_OPENVINO=/no/such.so" in neither.err
    named = run(world, "graph", ONE, *preload(onnx.graph("sum"), "ONNX"), QUERN_ONNXRUNTIME="/no/such.so")
    assert named.code == 1 and "QUERN_ONNXRUNTIME=/no/such.so" in named.err


@BOTH
def test_a_program_may_bring_its_own_graph_where_that_is_granted(run, onnx, openvino, world):
    folders = ("--dir", f"{openvino.graphs}::/ir:ro", "--dir", f"{onnx.graphs}::/onnx:ro")
    inputs = onnx.sentences("a cat sits on a mat")
    expected = openvino.reference(openvino.graphs / "minilm.xml", inputs)
    parts = "@/ir/minilm.xml,/ir/minilm.bin"
    denied = run(world, parts, inputs, *folders, "--graphs", "1MiB", "--memory", "1GiB")
    assert denied.code == 1 and 'graphs = "' in denied.err
    ended = run(world, parts, inputs, *folders, "--graphs", "128MiB", "--memory", "1GiB")
    got = np.frombuffer(outputs(world, ended, list(expected))["sentence_embedding"], "f4")
    assert np.abs(got - expected["sentence_embedding"].ravel()).max() < 1e-5


@BOTH
def test_what_a_program_brings_is_looked_at_first(run, onnx, openvino, world):
    folders = ("--dir", f"{openvino.graphs}::/ov:ro", "--dir", f"{onnx.graphs}::/onnx:ro", "--graphs", "1MiB")
    for graph, word in (("@/ov/dense.pb", "--nn-preload"), ("@/ov/dense.tflite", "--nn-preload"),
                        ("@/onnx/files.onnx", "further files"), ("@/onnx/vocabulary.txt", "no ONNX model")):
        ended = run(world, graph, {}, *folders)
        assert ended.code == 1 and word in ended.err, (graph, ended)


@BOTH
def test_a_graph_does_not_say_where_the_library_keeps_its_own(run, openvino, world, tmp_path):
    wishes = "".join(f'<{key} value="{tmp_path / "cache"}"/>' for key in ("CACHE_DIR", "WEIGHTS_PATH", "__weights_path"))
    text = (openvino.graphs / "sum.xml").read_text().replace("</net>", f"<rt_info>{wishes}<runtime_options>{wishes}</runtime_options></rt_info></net>")
    (tmp_path / "cache").mkdir()
    (tmp_path / "graphs").mkdir()
    (tmp_path / "graphs" / "sum.xml").write_text(text)
    ended = run(world, "@/graphs/sum.xml", ONE, "--dir", f"{tmp_path / 'graphs'}::/graphs:ro", "--graphs", "1MiB")
    assert np.frombuffer(outputs(world, ended, ["sum", "shape"])["sum"], "f4").tolist() == [11, 22]
    assert list((tmp_path / "cache").iterdir()) == []


def broken(folder, good, name: str) -> list:
    """Files of this name: half of a good one, nothing, something else, and one with every hundredth byte changed."""
    whole = bytearray(good.read_bytes())
    half, empty, other, changed = (folder / f"{kind}-{name}" for kind in ("half", "empty", "other", "changed"))
    half.write_bytes(whole[:len(whole) // 2])
    empty.write_bytes(b"")
    other.write_bytes(b"GGUF" + bytes(range(256)) * 100)
    whole[::100] = bytes(byte ^ 0x55 for byte in whole[::100])
    changed.write_bytes(whole)
    return [half, empty, other, changed, folder / f"missing-{name}"]


@BOTH
@pytest.mark.parametrize("encoding, name", [("OpenVINO", "minilm.xml"), ("Tensorflow", "dense.pb"), ("TensorflowLite", "dense.tflite")])
def test_a_file_that_is_no_graph_or_half_of_one(run, openvino, world, tmp_path, encoding, name):
    for file in broken(tmp_path, openvino.graphs / name, name):
        ended = run(world, "graph", {}, *preload(file, encoding))
        assert ended.code == 1 and "loading graph" in ended.err, (file, ended)


@BOTH
def test_a_folder_that_is_no_saved_model_and_weights_that_are_too_few(run, openvino, world, tmp_path):
    ended = run(world, "graph", {}, *preload(tmp_path, "Tensorflow"))
    assert ended.code == 1 and "loading graph" in ended.err, ended
    (tmp_path / "few.bin").write_bytes(b"1234")
    ended = run(world, "graph", {}, *preload(f"{openvino.graphs / 'minilm.xml'}:{tmp_path / 'few.bin'}"))
    assert ended.code == 1 and "loading graph" in ended.err, ended


@BOTH
@pytest.mark.parametrize("encoding, name", [("Tensorflow", "dense.tflite"), ("Tensorflow", "sum.xml"),
                                            ("TensorflowLite", "dense.pb"), ("TensorflowLite", "dense"), ("TensorflowLite", "sum.xml")])
def test_a_graph_of_another_encoding_than_it_is_said_to_be(run, openvino, world, encoding, name):
    ended = run(world, "graph", {}, *preload(openvino.graphs / name, encoding))
    assert ended.code == 1 and f"loading graph: {openvino.graphs / name}: a graph of TensorFlow" in ended.err, ended


@BOTH
def test_a_name_that_is_not_granted(run, openvino, world):
    ended = run(world, "other", {}, *preload(openvino.graphs / "sum.xml"))
    assert ended.code == 1 and 'models = ["other"]' in ended.err


@BOTH
def test_tensors_that_do_not_fit(run, openvino, world):
    for wrong in ({"a": ONE["a"]}, {"a": ONE["a"], "b": np.array([1], "i8")}, {"a": ONE["a"], "b": np.ones([2, 2, 2], "f4")}):
        ended = run(world, "graph", wrong, *preload(openvino.graphs / "sum.xml"))
        assert ended.code == 1 and ("error 0:" if world == "component" else "InvalidArgument") in ended.err, ended.err


@BOTH
def test_without_the_library_the_program_hears_what_is_missing(run, openvino, world):
    ended = run(world, "graph", ONE, *preload(openvino.graphs / "sum.xml"), QUERN_OPENVINO="/no/such/libopenvino_c.so")
    assert ended.code == 1 and "QUERN_OPENVINO=/no/such/libopenvino_c.so" in ended.err


def test_doctor_says_which_libraries_are_here(home, onnx, openvino):
    def findings(**more) -> dict:
        told = json.loads(quern.quern("doctor", "--json", home=home, **more).out)
        assert told["works"]
        return {each["name"]: (each["state"], each["text"]) for each in told["findings"]}
    here = findings(QUERN_ONNXRUNTIME=onnx.library, QUERN_OPENVINO=openvino.library)
    assert here["ONNX Runtime"][0] == "ok" and here["ONNX Runtime"][1].startswith("ONNX Runtime 1.")
    assert here["OpenVINO"][0] == "ok" and here["OpenVINO"][1].startswith("OpenVINO 20")
    state, text = here["SQLite"]
    assert text.startswith("SQLite 3.") if state == "ok" else "apt install libsqlite3-0" in text
    away = findings(QUERN_ONNXRUNTIME="/no/onnx.so", QUERN_OPENVINO="/no/openvino.so")
    for name, file in (("ONNX Runtime", "/no/onnx.so"), ("OpenVINO", "/no/openvino.so")):
        assert away[name][0] == "note" and file in away[name][1]
