// As matmul.c says.
public class Matmul {
  static void multiply(int side, int rows, double[] a, double[] b, double[] c) {
    for (int i = 0; i < rows; i++) {
      for (int k = 0; k < side; k++) {
        final double factor = a[i * side + k];
        for (int j = 0; j < side; j++) c[i * side + j] += factor * b[k * side + j];
      }
    }
  }

  public static void main(String[] args) {
    final int side = Integer.parseInt(args[0]), rows = Integer.parseInt(args[1]);
    final double[] a = new double[rows * side], b = new double[side * side], c = new double[rows * side];
    for (int n = 0; n < rows * side; n++) a[n] = n % 7 - 3;
    for (int n = 0; n < side * side; n++) b[n] = n % 11 - 5;
    // The compiler of the run-time is given a small product to learn from: it is not measured.
    multiply(256, 256, new double[65536], new double[65536], new double[65536]);
    final long start = System.nanoTime();
    multiply(side, rows, a, b, c);
    final double seconds = (System.nanoTime() - start) * 1e-9;
    double sum = 0;
    for (int n = 0; n < rows * side; n++) sum += c[n] * (n % 5);
    System.out.printf("%.6f %.0f%n", seconds, sum);
  }
}
