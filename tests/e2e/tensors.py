"""What the tests of tensors through WASI-NN share: graphs that set-up made, what Python's own packages compute on
them, and the two programs that compute them as guests (a component in C, a core module in Rust).
"""

import json
import pathlib
import subprocess

import numpy as np
import quern

TYPES = {"float16": 0, "float32": 1, "float64": 2, "bfloat16": 3, "uint8": 4, "int32": 5, "int64": 6}  # wasi:nn's
CORE_TYPES = {"float16": 0, "float32": 1, "float64": 2, "uint8": 3, "int32": 4, "int64": 5}

# Reads {graph, inputs: {name: [type, shape, hex]}}, writes {name: [shape, hex]}.
REFERENCE = """
import json, sys
import numpy as np
asked = json.load(sys.stdin)
inputs = {name: np.frombuffer(bytes.fromhex(data), kind).reshape(shape) for name, (kind, shape, data) in asked["inputs"].items()}
COMPUTE
print(json.dumps({name: [array.shape, array.tobytes().hex()] for name, array in outputs.items()}))
"""
ONNX_RUNTIME = """
import onnxruntime
session = onnxruntime.InferenceSession(asked["graph"])
outputs = {made.name: array for made, array in zip(session.get_outputs(), session.run(None, inputs))}
"""
OPENVINO = """
import openvino
model = openvino.Core().compile_model(asked["graph"], "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
outputs = {made.get_any_name(): array for made, array in model(inputs).items()}
"""


class Library:
    """A library of tensors in an environment of its own, with graphs for it, as set-up made them."""

    def __init__(self, folder: pathlib.Path, library: str, compute: str):
        self.graphs = folder / "graphs"
        self.python = folder / "bin" / "python"
        self.library = str(next(folder.glob(f"lib/python3*/site-packages/{library}*")))
        self.script = REFERENCE.replace("COMPUTE", compute)

    def reference(self, graph: pathlib.Path, inputs: dict) -> dict:
        """What Python's own package gives."""
        asked = {"graph": str(graph), "inputs": {key: [str(a.dtype), a.shape, a.tobytes().hex()] for key, a in inputs.items()}}
        said = subprocess.run([self.python, "-c", self.script], input=json.dumps(asked), capture_output=True, text=True, check=True)
        return {key: np.frombuffer(bytes.fromhex(data), "f4").reshape(shape)
                for key, (shape, data) in json.loads(said.stdout).items()}


class Onnx(Library):
    def __init__(self, folder: pathlib.Path):
        super().__init__(folder, "onnxruntime/capi/libonnxruntime.so", ONNX_RUNTIME)
        words = (self.graphs / "vocabulary.txt").read_text().split("\n")
        self.vocabulary = {word: number for number, word in enumerate(words)}

    def graph(self, name: str) -> pathlib.Path:
        return self.graphs / f"{name}.onnx"

    def sentences(self, *texts: str) -> dict:
        """The encoder's inputs: words of the vocabulary, shorter sentences filled up."""
        rows = [[self.vocabulary[word] for word in f"[CLS] {text} [SEP]".split()] for text in texts]
        longest = max(map(len, rows))
        ids = np.array([row + [0] * (longest - len(row)) for row in rows], "i8")
        return {"input_ids": ids, "attention_mask": (ids != 0).astype("i8"), "token_type_ids": np.zeros_like(ids)}


def program_and_words(guest, world: str, inputs: dict) -> tuple[pathlib.Path, list]:
    """The guest of this world ("component" or "module"), and inputs as it reads them."""
    words = []
    for name, array in inputs.items():
        shape = "x".join(map(str, array.shape))
        kind = (TYPES if world == "component" else CORE_TYPES)[str(array.dtype)]
        words += [name] if world == "component" else []
        words += [kind, shape, array.tobytes().hex()]
    return guest("c/tensors" if world == "component" else "rust/nn-tensors"), words


def outputs(world: str, ended: quern.Ended, names: list[str]) -> dict[str, bytes]:
    assert ended.code == 0, ended.err
    lines = [line.split() for line in ended.out.splitlines()]
    if world == "component":
        assert [line[0] for line in lines] == names
    return {name: bytes.fromhex(line[-1]) for name, line in zip(names, lines, strict=True)}
