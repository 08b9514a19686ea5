# As matmul.c says.
import sys
import time


def multiply(side, rows, a, b, c):
    for i in range(rows):
        row, out = a[i], c[i]
        for k in range(side):
            factor, other = row[k], b[k]
            for j in range(side):
                out[j] += factor * other[j]


side, rows = int(sys.argv[1]), int(sys.argv[2])
a = [[float((i * side + j) % 7 - 3) for j in range(side)] for i in range(rows)]
b = [[float((i * side + j) % 11 - 5) for j in range(side)] for i in range(side)]
c = [[0.0] * side for _ in range(rows)]
start = time.perf_counter()
multiply(side, rows, a, b, c)
seconds = time.perf_counter() - start
print(f"{seconds:.6f} {sum(value * ((i * side + j) % 5) for i, line in enumerate(c) for j, value in enumerate(line)):.0f}")
