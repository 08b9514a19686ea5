"""Writes a small llama2.c checkpoint from a fixed seed, with its vocabulary beside it (version 0 of the format)."""

import pathlib
import random
import struct

WIDE, HIDDEN, LAYERS, HEADS, WORDS, CONTEXT = 32, 64, 2, 4, 262, 128


def write(folder: pathlib.Path) -> pathlib.Path:
    chance = random.Random(7)

    def floats(count: int, middle: float = 0.0, spread: float = 0.4) -> bytes:
        return struct.pack(f"<{count}f", *(chance.uniform(middle - spread, middle + spread) for _ in range(count)))

    def norm(count: int) -> bytes:
        return floats(count, 1.0, 0.1)

    square, ffn = LAYERS * WIDE * WIDE, LAYERS * WIDE * HIDDEN
    parts = [struct.pack("<7i", WIDE, HIDDEN, LAYERS, HEADS, HEADS, WORDS, CONTEXT), floats(WORDS * WIDE),
             norm(LAYERS * WIDE), floats(square), floats(square), floats(square), floats(square),
             norm(LAYERS * WIDE), floats(ffn), floats(ffn), floats(ffn), norm(WIDE), bytes(4 * CONTEXT * (WIDE // HEADS))]
    (folder / "tiny.bin").write_bytes(b"".join(parts))
    words = [b"<unk>", b"\n<s>\n", b"\n</s>\n", *(b"<0x%02X>" % byte for byte in range(256)), b" ", b"a", b"b"]
    (folder / "tokenizer.bin").write_bytes(struct.pack("<I", 6) + b"".join(
        struct.pack("<fI", -token, len(word)) + word for token, word in enumerate(words)))
    return folder / "tiny.bin"
