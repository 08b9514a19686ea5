"""Reads what the tests need of a GGUF file: its header, and the tokens of its vocabulary.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import functools
import pathlib
import random
import struct

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9


class Reader:
    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def number(self, form: str):
        value = struct.unpack_from("<" + form, self.data, self.at)[0]
        self.at += struct.calcsize(form)
        return value

    def text(self) -> str:
        size = self.number("Q")
        self.at += size
        return self.data[self.at - size:self.at].decode(errors="replace")

    def value(self, kind: int):
        if kind == STRING:
            return self.text()
        if kind == ARRAY:
            item, count = self.number("I"), self.number("Q")
            return [self.value(item) for _ in range(count)]
        return self.number(SCALARS[kind])


@functools.cache
def metadata(path: pathlib.Path) -> dict:
    with path.open("rb") as file:
        reader = Reader(file.read(16 << 20))
    magic, version, _tensors, count = (reader.number(form) for form in "IIQQ")
    assert magic == 0x46554747 and version == 3
    found = {}
    for _ in range(count):
        name = reader.text()
        found[name] = reader.value(reader.number("I"))
    return found


@functools.cache
def _byte_letters() -> dict[int, str]:
    """GPT-2's alphabet: each byte has one printable letter."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {byte: chr(256 + i) for i, byte in enumerate(others)}


def token_id(path: pathlib.Path, text: str | bytes) -> int:
    """The number of the one token that spells `text`."""
    raw = text.encode() if isinstance(text, str) else text
    return _ids(path)["".join(_byte_letters()[byte] for byte in raw)]


@functools.cache
def _ids(path: pathlib.Path) -> dict[str, int]:
    return {token: number for number, token in enumerate(metadata(path)["tokenizer.ggml.tokens"])}


def write_adapter(path: pathlib.Path, layers: int, width: int, architecture: str = "llama", seed: int = 7) -> pathlib.Path:
    """A LoRA adapter of rank 2 for the outputs of attention, of numbers by chance."""
    chance = random.Random(seed)
    text = lambda value: struct.pack("<Q", len(value)) + value.encode()  # noqa: E731
    pair = lambda key, value: text(key) + struct.pack("<I", STRING) + text(value)  # noqa: E731
    head = pair("general.type", "adapter") + pair("general.architecture", architecture) + pair("adapter.type", "lora")
    head += text("adapter.lora.alpha") + struct.pack("<If", 6, 2.0)
    tensors, data = b"", b""
    for layer in range(layers):
        for half, columns, rows in (("a", width, 2), ("b", 2, width)):
            tensors += text(f"blk.{layer}.attn_output.weight.lora_{half}") + struct.pack("<IQQIQ", 2, columns, rows, 0, len(data))
            data += struct.pack(f"<{width * 2}f", *(chance.gauss(0, 0.2) for _ in range(width * 2)))
            data += b"\0" * (-len(data) % 32)
    head = b"GGUF" + struct.pack("<IQQ", 3, layers * 2, 4) + head + tensors
    path.write_bytes(head + b"\0" * (-len(head) % 32) + data)
    return path
