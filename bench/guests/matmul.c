// The first ROWS rows of the product of two SIDE x SIDE matrices of doubles: i, k, j, as in the
// other languages beside it. matmul SIDE ROWS prints: SECONDS CHECKSUM
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void multiply(size_t side, size_t rows, const double* restrict a, const double* restrict b,
                     double* restrict c) {
  for (size_t i = 0; i < rows; i++) {
    for (size_t k = 0; k < side; k++) {
      const double factor = a[i * side + k];
      for (size_t j = 0; j < side; j++) c[i * side + j] += factor * b[k * side + j];
    }
  }
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const size_t side = strtoul(argv[1], NULL, 10), rows = strtoul(argv[2], NULL, 10);
  double* a = malloc(rows * side * sizeof *a);
  double* b = malloc(side * side * sizeof *b);
  double* c = calloc(rows * side, sizeof *c);
  if (!a || !b || !c) return perror("matmul"), 1;
  for (size_t n = 0; n < rows * side; n++) a[n] = (double)(n % 7) - 3;
  for (size_t n = 0; n < side * side; n++) b[n] = (double)(n % 11) - 5;
  const double start = now();
  multiply(side, rows, a, b, c);
  const double seconds = now() - start;
  double sum = 0;
  for (size_t n = 0; n < rows * side; n++) sum += c[n] * (double)(n % 5);
  printf("%.6f %.0f\n", seconds, sum);
  return 0;
}
