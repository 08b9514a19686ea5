"""Embeddings as they lie in memory: NumPy takes them without copying, and nobody needs NumPy."""

from __future__ import annotations

import array
from collections.abc import Sequence
from typing import Any


class Vectors(Sequence):
    """Vectors of one length, f32, in the order of their texts: `numpy.asarray(vectors)` is a matrix of them.

    A sequence too: `vectors[0]` is a memoryview of floats. Each has length 1, so the dot product of two is their cosine.
    """

    def __init__(self, flat: array.array, rows: int, columns: int, prompt_tokens: int):
        self._flat = flat
        self.shape = (rows, columns)
        self.prompt_tokens = prompt_tokens

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Any:
        rows, columns = self.shape
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(rows))]
        if index < 0:
            index += rows
        if not 0 <= index < rows:
            raise IndexError(f"there are {rows} vectors")
        return memoryview(self._flat)[index * columns:(index + 1) * columns]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        import numpy

        matrix = numpy.frombuffer(self._flat, dtype=numpy.float32).reshape(self.shape)
        if copy or (dtype is not None and matrix.dtype != numpy.dtype(dtype)):
            if copy is False:
                raise ValueError("another dtype needs a copy")
            return numpy.array(matrix, dtype=dtype)
        return matrix

    def tolist(self) -> list[list[float]]:
        return [vector.tolist() for vector in self]

    def __repr__(self) -> str:
        return f"<{self.shape[0]} vectors of {self.shape[1]} floats>"
