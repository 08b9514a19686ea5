# As matmul.c says, but NumPy's own product: another algorithm, on every core.
import sys
import time

import numpy

side, rows = int(sys.argv[1]), int(sys.argv[2])
a = (numpy.arange(rows * side) % 7 - 3.0).reshape(rows, side)
b = (numpy.arange(side * side) % 11 - 5.0).reshape(side, side)
a[:1] @ b  # its threads are there
start = time.perf_counter()
c = a @ b
seconds = time.perf_counter() - start
print(f"{seconds:.6f} {(c.reshape(-1) * (numpy.arange(rows * side) % 5)).sum():.0f}")
