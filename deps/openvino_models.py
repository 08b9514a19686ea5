"""Makes the graphs that the tests of OpenVINO run: openvino_models.py ONNX-GRAPHS FOLDER

NAME.xml and NAME.bin are the graphs of deps/onnx_models.py in OpenVINO's own form, by its own converter:
the sentence encoder with its real weights, and the small ones. chain.xml is a row of two hundred matrix
products, which takes its time. dense.pb (a frozen graph of TensorFlow),
dense/ (a SavedModel) and dense.tflite are one small network, written down here byte by byte because
TensorFlow itself is half a gigabyte; dense.json has its weights, for who wants to compute it by hand:
softmax(max(x a + b, 0) c + d).
"""

import json
import pathlib
import sys

import flatbuffers
import numpy as np
import openvino
import tflite
from openvino import opset13

CONVERTED = ["minilm", "sum", "types", "scalar", "truth", "endless", "large"]
INPUTS, HIDDEN, CLASSES = 8, 16, 4


def convert(graphs: pathlib.Path, folder: pathlib.Path) -> None:
    for name in CONVERTED:
        openvino.save_model(openvino.convert_model(graphs / f"{name}.onnx"), folder / f"{name}.xml", compress_to_fp16=False)


def chain(folder: pathlib.Path) -> None:
    x = y = opset13.parameter([-1, 1000], np.float32, name="x")
    x.output(0).set_names({"x"})
    weight = opset13.constant(np.full((1000, 1000), 1e-3, "f4"))
    for _ in range(200):
        y = opset13.relu(opset13.matmul(y, weight, False, False))
    y.output(0).set_names({"y"})
    openvino.save_model(openvino.Model([y], [x]), folder / "chain.xml", compress_to_fp16=False)


def weights() -> dict[str, np.ndarray]:
    random = np.random.default_rng(8)
    shapes = {"a": (INPUTS, HIDDEN), "b": (HIDDEN,), "c": (HIDDEN, CLASSES), "d": (CLASSES,)}
    return {name: random.normal(size=shape).astype("f4") for name, shape in shapes.items()}


# ---- TensorFlow: protobuf (tensorflow/core/framework: graph.proto, node_def.proto, attr_value.proto) ----------

FLOAT = 1  # of DataType


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(0x80 | value & 0x7F)
        value >>= 7
    return bytes(out + bytes([value]))


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def message(field: int, *parts: bytes | str) -> bytes:
    body = b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    return varint(field << 3 | 2) + varint(len(body)) + body


def shape(field: int, sizes) -> bytes:
    return message(field, *(message(2, number(1, size)) for size in sizes))


def attribute(name: str, value: bytes) -> bytes:
    return message(5, message(1, name), message(2, value))


def node(name: str, kind: str, inputs=(), **attributes: bytes) -> bytes:
    return message(1, message(1, name), message(2, kind), *(message(3, each) for each in inputs),
                   *(attribute(key, value) for key, value in attributes.items()))


def constant(name: str, array: np.ndarray) -> bytes:
    tensor = message(8, number(1, FLOAT), shape(2, array.shape), message(4, array.tobytes()))
    return node(name, "Const", dtype=number(6, FLOAT), value=tensor)


def tensorflow_graph(held: dict[str, np.ndarray]) -> bytes:
    kind = {"T": number(6, FLOAT)}
    nodes = [node("x", "Placeholder", dtype=number(6, FLOAT), shape=shape(7, [-1, INPUTS])),
             *(constant(name, array) for name, array in held.items()),
             node("xa", "MatMul", ["x", "a"], **kind), node("xab", "BiasAdd", ["xa", "b"], **kind),
             node("hidden", "Relu", ["xab"], **kind),
             node("hc", "MatMul", ["hidden", "c"], **kind), node("hcd", "BiasAdd", ["hc", "d"], **kind),
             node("classes", "Softmax", ["hcd"], **kind)]
    return b"".join(nodes) + message(4, number(1, 1087))  # versions: the producer


def saved_model(graph: bytes) -> bytes:
    """saved_model.proto, meta_graph.proto: the graph, and which of its tensors are whose."""
    def tensor(name: str, sizes) -> bytes:
        return message(1, name) + number(2, FLOAT) + shape(3, sizes)
    signature = (message(1, message(1, "x"), message(2, tensor("x:0", [-1, INPUTS])))
                 + message(2, message(1, "classes"), message(2, tensor("classes:0", [-1, CLASSES])))
                 + message(3, "tensorflow/serving/predict"))
    meta = message(1, message(4, "serve")) + message(2, graph) + message(5, message(1, "serving_default"), message(2, signature))
    return number(1, 1) + message(2, meta)


# ---- TensorFlow Lite: a flatbuffer (tensorflow/compiler/mlir/lite/schema/schema.fbs) ---------------------------


class Lite:
    """One subgraph of floats; a tensor's number is the order in which it was added."""

    def __init__(self):
        self.builder = flatbuffers.Builder(4096)
        self.buffers, self.tensors, self.operators, self.codes = [self.buffer(b"")], [], [], []

    def vector(self, start, offsets: list[int]) -> int:
        start(self.builder, len(offsets))
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return self.builder.EndVector()

    def buffer(self, data: bytes) -> int:
        held = self.builder.CreateByteVector(data) if data else 0
        tflite.BufferStart(self.builder)
        if data:
            tflite.BufferAddData(self.builder, held)
        return tflite.BufferEnd(self.builder)

    def tensor(self, name: str, sizes, data: bytes = b"", signature=None) -> int:
        if data:
            self.buffers.append(self.buffer(data))
        text = self.builder.CreateString(name)
        row = self.builder.CreateNumpyVector(np.array(sizes, "i4"))
        signature = self.builder.CreateNumpyVector(np.array(signature, "i4")) if signature else 0
        tflite.TensorStart(self.builder)
        tflite.TensorAddShape(self.builder, row)
        tflite.TensorAddType(self.builder, tflite.TensorType.FLOAT32)
        tflite.TensorAddBuffer(self.builder, len(self.buffers) - 1 if data else 0)
        tflite.TensorAddName(self.builder, text)
        if signature:
            tflite.TensorAddShapeSignature(self.builder, signature)
        self.tensors.append(tflite.TensorEnd(self.builder))
        return len(self.tensors) - 1

    def operator(self, kind: int, inputs: list[int], output: int, options_kind: int, options: int) -> None:
        tflite.OperatorCodeStart(self.builder)
        tflite.OperatorCodeAddDeprecatedBuiltinCode(self.builder, kind)
        tflite.OperatorCodeAddBuiltinCode(self.builder, kind)
        tflite.OperatorCodeAddVersion(self.builder, 1)
        self.codes.append(tflite.OperatorCodeEnd(self.builder))
        taken = self.builder.CreateNumpyVector(np.array(inputs, "i4"))
        made = self.builder.CreateNumpyVector(np.array([output], "i4"))
        tflite.OperatorStart(self.builder)
        tflite.OperatorAddOpcodeIndex(self.builder, len(self.codes) - 1)
        tflite.OperatorAddInputs(self.builder, taken)
        tflite.OperatorAddOutputs(self.builder, made)
        tflite.OperatorAddBuiltinOptionsType(self.builder, options_kind)
        tflite.OperatorAddBuiltinOptions(self.builder, options)
        self.operators.append(tflite.OperatorEnd(self.builder))

    def connected(self, inputs: list[int], output: int, activation: int) -> None:
        tflite.FullyConnectedOptionsStart(self.builder)
        tflite.FullyConnectedOptionsAddFusedActivationFunction(self.builder, activation)
        options = tflite.FullyConnectedOptionsEnd(self.builder)
        self.operator(tflite.BuiltinOperator.FULLY_CONNECTED, inputs, output, tflite.BuiltinOptions.FullyConnectedOptions, options)

    def softmax(self, taken: int, output: int) -> None:
        tflite.SoftmaxOptionsStart(self.builder)
        tflite.SoftmaxOptionsAddBeta(self.builder, 1.0)
        options = tflite.SoftmaxOptionsEnd(self.builder)
        self.operator(tflite.BuiltinOperator.SOFTMAX, [taken], output, tflite.BuiltinOptions.SoftmaxOptions, options)

    def finish(self, taken: int, made: int) -> bytes:
        inputs, outputs = (self.builder.CreateNumpyVector(np.array([each], "i4")) for each in (taken, made))
        tensors = self.vector(tflite.SubGraphStartTensorsVector, self.tensors)
        operators = self.vector(tflite.SubGraphStartOperatorsVector, self.operators)
        tflite.SubGraphStart(self.builder)
        tflite.SubGraphAddTensors(self.builder, tensors)
        tflite.SubGraphAddInputs(self.builder, inputs)
        tflite.SubGraphAddOutputs(self.builder, outputs)
        tflite.SubGraphAddOperators(self.builder, operators)
        graphs = self.vector(tflite.ModelStartSubgraphsVector, [tflite.SubGraphEnd(self.builder)])
        codes = self.vector(tflite.ModelStartOperatorCodesVector, self.codes)
        buffers = self.vector(tflite.ModelStartBuffersVector, self.buffers)
        tflite.ModelStart(self.builder)
        tflite.ModelAddVersion(self.builder, 3)
        tflite.ModelAddOperatorCodes(self.builder, codes)
        tflite.ModelAddSubgraphs(self.builder, graphs)
        tflite.ModelAddBuffers(self.builder, buffers)
        self.builder.Finish(tflite.ModelEnd(self.builder), file_identifier=b"TFL3")
        return bytes(self.builder.Output())


def lite_graph(held: dict[str, np.ndarray]) -> bytes:
    lite = Lite()
    any_rows = {"signature": [-1, INPUTS]}
    x = lite.tensor("x", [1, INPUTS], **any_rows)
    # Its matrices lie the other way round.
    a, b, c, d = (lite.tensor(name, array.T.shape, np.ascontiguousarray(array.T).tobytes()) for name, array in held.items())
    hidden = lite.tensor("hidden", [1, HIDDEN], signature=[-1, HIDDEN])
    scores = lite.tensor("scores", [1, CLASSES], signature=[-1, CLASSES])
    classes = lite.tensor("classes", [1, CLASSES], signature=[-1, CLASSES])
    lite.connected([x, a, b], hidden, tflite.ActivationFunctionType.RELU)
    lite.connected([hidden, c, d], scores, tflite.ActivationFunctionType.NONE)
    lite.softmax(scores, classes)
    return lite.finish(x, classes)


def dense(folder: pathlib.Path) -> None:
    held = weights()
    (folder / "dense.json").write_text(json.dumps({name: array.tolist() for name, array in held.items()}))
    (folder / "dense.pb").write_bytes(tensorflow_graph(held))
    (folder / "dense").mkdir()
    (folder / "dense" / "saved_model.pb").write_bytes(saved_model(tensorflow_graph(held)))
    (folder / "dense.tflite").write_bytes(lite_graph(held))


if __name__ == "__main__":
    to = pathlib.Path(sys.argv[2])
    to.mkdir(parents=True)
    convert(pathlib.Path(sys.argv[1]), to)
    chain(to)
    dense(to)
