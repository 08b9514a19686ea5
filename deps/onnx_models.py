"""Makes the graphs that the tests of ONNX run: onnx_models.py FOLDER

minilm.onnx is the sentence encoder all-MiniLM-L6-v2 with its real weights: its package has them in the
form of another library, and the network is short enough to be written down here. vocabulary.txt is its
vocabulary, a word a line. The others are as small as what they show: types.onnx hands each element type
through, sum.onnx adds, endless.onnx does not end, memory.onnx wants as much as it is told, files.onnx
has a tensor in another file.
"""

import io
import json
import math
import pathlib
import struct
import sys
import zipfile

import all_minilm_l6_v2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET, IR = 17, 8
LAYERS, HEADS, WIDTH = 6, 12, 384


def save(folder: pathlib.Path, name: str, nodes, inputs, outputs, constants=()) -> None:
    graph = helper.make_graph(list(nodes), name, list(inputs), list(outputs), list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    onnx.checker.check_model(model)
    (folder / f"{name}.onnx").write_bytes(model.SerializeToString())


def value(name: str, kind: int, shape=None):
    return helper.make_tensor_value_info(name, kind, shape)


def safetensors(data: bytes) -> dict[str, np.ndarray]:
    """Eight bytes of length, that much JSON, then the tensors."""
    length = struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, about in json.loads(data[8:8 + length]).items():
        if about.get("dtype") == "F32":
            begin, end = (8 + length + offset for offset in about["data_offsets"])
            tensors[name] = np.frombuffer(data[begin:end], "<f4").reshape(about["shape"])
    return tensors


class Network:
    """Nodes one after the other; each call returns the name of what it makes."""

    def __init__(self, weights: dict[str, np.ndarray]):
        self.weights, self.nodes, self.constants = weights, [], {}

    def constant(self, name: str, array) -> str:
        self.constants[name] = numpy_helper.from_array(np.array(array, order="C"), name)
        return name

    def __call__(self, kind: str, *inputs: str, out: str = "", **attributes) -> str:
        out = out or f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [out], **attributes))
        return out

    def linear(self, x: str, name: str) -> str:
        weight = self.constant(f"{name}.weight", self.weights[f"{name}.weight"].T)
        return self("Add", self("MatMul", x, weight), self.constant(f"{name}.bias", self.weights[f"{name}.bias"]))

    def norm(self, x: str, name: str, **more) -> str:
        scale, bias = (self.constant(f"{name}.{part}", self.weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        return self("LayerNormalization", x, scale, bias, epsilon=1e-12, **more)

    def embeddings(self) -> str:
        rows = [self.constant(f"embeddings.{name}", self.weights[f"embeddings.{name}_embeddings.weight"])
                for name in ("word", "position", "token_type")]
        length = self("Gather", self("Shape", "input_ids"), self.constant("one", np.int64(1)))
        positions = self("Range", self.constant("zero", np.int64(0)), length, "one")
        words, types = self("Gather", rows[0], "input_ids"), self("Gather", rows[2], "token_type_ids")
        x = self("Add", self("Add", words, types), self("Gather", rows[1], positions))
        return self.norm(x, "embeddings.LayerNorm")

    def attention(self, x: str, name: str, mask: str) -> str:
        split = self.constant("split", np.array([0, 0, HEADS, WIDTH // HEADS], np.int64))
        query, key, held = (self("Reshape", self.linear(x, f"{name}.self.{part}"), split)
                            for part in ("query", "key", "value"))
        scores = self("MatMul", self("Transpose", query, perm=[0, 2, 1, 3]), self("Transpose", key, perm=[0, 2, 3, 1]))
        scores = self("Div", scores, self.constant("root", np.float32(math.sqrt(WIDTH / HEADS))))
        seen = self("MatMul", self("Softmax", self("Add", scores, mask), axis=-1), self("Transpose", held, perm=[0, 2, 1, 3]))
        joined = self("Reshape", self("Transpose", seen, perm=[0, 2, 1, 3]),
                      self.constant("join", np.array([0, 0, WIDTH], np.int64)))
        return self.linear(joined, f"{name}.output.dense")

    def layer(self, x: str, name: str, mask: str, **last) -> str:
        x = self.norm(self("Add", x, self.attention(x, f"{name}.attention", mask)), f"{name}.attention.output.LayerNorm")
        y = self.linear(x, f"{name}.intermediate.dense")
        erf = self("Erf", self("Div", y, self.constant("sqrt2", np.float32(math.sqrt(2)))))
        gelu = self("Mul", self("Mul", y, self.constant("half", np.float32(0.5))),
                    self("Add", erf, self.constant("unit", np.float32(1))))
        return self.norm(self("Add", x, self.linear(gelu, f"{name}.output.dense")), f"{name}.output.LayerNorm", **last)


def minilm(folder: pathlib.Path) -> None:
    packed = zipfile.ZipFile(io.BytesIO(all_minilm_l6_v2.get_model_zip_path().read_bytes()))
    net = Network(safetensors(packed.read("model.safetensors")))
    words = json.loads(packed.read("tokenizer.json"))["model"]["vocab"]
    (folder / "vocabulary.txt").write_text("\n".join(sorted(words, key=words.get)) + "\n")

    seen = net("Cast", "attention_mask", to=TensorProto.FLOAT)
    hidden = net("Mul", net("Sub", net.constant("unit", np.float32(1)), seen), net.constant("far", np.float32(-1e9)))
    mask = net("Unsqueeze", hidden, net.constant("heads_and_rows", np.array([1, 2], np.int64)))
    x = net.embeddings()
    for layer in range(LAYERS):
        last = {"out": "last_hidden_state"} if layer == LAYERS - 1 else {}
        x = net.layer(x, f"encoder.layer.{layer}", mask, **last)
    words_axis = net.constant("words_axis", np.array([1], np.int64))
    weight = net("Unsqueeze", seen, net.constant("width_axis", np.array([2], np.int64)))
    total = net("ReduceSum", net("Mul", x, weight), words_axis, keepdims=0)
    mean = net("Div", total, net("ReduceSum", weight, words_axis, keepdims=0))
    net("LpNormalization", mean, axis=1, p=2, out="sentence_embedding")
    inputs = [value(name, TensorProto.INT64, ["batch", "words"]) for name in ("input_ids", "attention_mask", "token_type_ids")]
    outputs = [value("last_hidden_state", TensorProto.FLOAT, ["batch", "words", WIDTH]),
               value("sentence_embedding", TensorProto.FLOAT, ["batch", WIDTH])]
    save(folder, "minilm", net.nodes, inputs, outputs, net.constants.values())


def types(folder: pathlib.Path) -> None:
    kinds = {"f16": TensorProto.FLOAT16, "f32": TensorProto.FLOAT, "f64": TensorProto.DOUBLE, "bf16": TensorProto.BFLOAT16,
             "u8": TensorProto.UINT8, "i32": TensorProto.INT32, "i64": TensorProto.INT64}
    save(folder, "types", [helper.make_node("Identity", [name], [f"{name}_out"]) for name in kinds],
         [value(name, kind, ["rows", "columns"]) for name, kind in kinds.items()],
         [value(f"{name}_out", kind, ["rows", "columns"]) for name, kind in kinds.items()])


def small(folder: pathlib.Path) -> None:
    f32, i64, truth = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
    save(folder, "sum", [helper.make_node("Add", ["a", "b"], ["sum"]), helper.make_node("Shape", ["a"], ["shape"])],
         [value("a", f32, ["n"]), value("b", f32, ["n"])], [value("sum", f32, ["n"]), value("shape", i64, [1])])
    save(folder, "scalar", [helper.make_node("Neg", ["x"], ["y"])], [value("x", f32, [])], [value("y", f32, [])])
    save(folder, "truth", [helper.make_node("Not", ["x"], ["y"])], [value("x", truth, ["n"])], [value("y", truth, ["n"])])
    body = helper.make_graph(
        [helper.make_node("Identity", ["again"], ["again_out"]), helper.make_node("Add", ["x_in", "step"], ["x_out"])],
        "body", [value("round", i64, []), value("again", truth, []), value("x_in", f32, [1])],
        [value("again_out", truth, []), value("x_out", f32, [1])])
    save(folder, "endless", [helper.make_node("Loop", ["", "yes", "step"], ["x"], body=body)],
         [value("step", f32, [1])], [value("x", f32, [1])], [numpy_helper.from_array(np.array(True), "yes")])
    save(folder, "memory", [helper.make_node("ConstantOfShape", ["size"], ["zeros"]),
                            helper.make_node("Cos", ["zeros"], ["ones"]), helper.make_node("ReduceSum", ["ones"], ["sum"], keepdims=0)],
         [value("size", i64, [1])], [value("sum", f32, [])])
    save(folder, "large", [helper.make_node("ConstantOfShape", ["size"], ["zeros"])],
         [value("size", i64, [1])], [value("zeros", f32, ["n"])])
    secret = helper.make_tensor("secret", TensorProto.UINT8, [4], b"abcd", raw=True)
    model = helper.make_model(
        helper.make_graph([helper.make_node("Identity", ["secret"], ["out"])], "files", [],
                          [value("out", TensorProto.UINT8, [4])], [secret]),
        opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    held = model.graph.initializer[0]
    held.ClearField("raw_data")
    held.data_location = TensorProto.EXTERNAL
    held.external_data.add(key="location", value="secret.bin")
    (folder / "secret.bin").write_bytes(b"abcd")
    (folder / "files.onnx").write_bytes(model.SerializeToString())


if __name__ == "__main__":
    to = pathlib.Path(sys.argv[1])
    to.mkdir(parents=True, exist_ok=True)
    for make in (minilm, types, small):
        make(to)
