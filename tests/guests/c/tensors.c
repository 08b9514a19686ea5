// tensors GRAPH [NAME TYPE DIMENSIONS BYTES]...: computes a graph of WASI-NN once, as a component.
// GRAPH is a granted name, or @FILE, whose bytes are loaded as what its name says, else as ONNX;
// @FILE.xml,WEIGHTS has two parts. TYPE is WASI-NN's number, DIMENSIONS as in 2x3, BYTES in hexadecimal, or =COUNT for so many zeros. Each output becomes a line: name, type,
// dimensions, bytes (=COUNT when they are more than a MiB). A failure is a line on stderr, "error CODE: WORDS",
// and exit code 1.
#include "tensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed(wasi_nn_errors_own_error_t error) {
  tensors_string_t words;
  wasi_nn_errors_borrow_error_t borrowed = wasi_nn_errors_borrow_error(error);
  wasi_nn_errors_method_error_data(borrowed, &words);
  fprintf(stderr, "error %d: %.*s\n", wasi_nn_errors_method_error_code(borrowed), (int)words.len,
          (const char *)words.ptr);
  return 1;
}

static wasi_nn_tensor_own_tensor_t read_tensor(char **words) {
  wasi_nn_tensor_tensor_dimensions_t dimensions = {malloc(16 * sizeof(uint32_t)), 0};
  for (char *word = strtok(words[1], "x"); word && dimensions.len < 16; word = strtok(NULL, "x")) {
    dimensions.ptr[dimensions.len++] = (uint32_t)strtoul(word, NULL, 10);
  }
  const bool zeros = words[2][0] == '=';
  const size_t size = zeros ? strtoul(words[2] + 1, NULL, 10) : strlen(words[2]) / 2;
  wasi_nn_tensor_tensor_data_t data = {calloc(size + 1, 1), size};
  for (size_t i = 0; i < size && !zeros; ++i) sscanf(words[2] + 2 * i, "%2hhx", &data.ptr[i]);
  return wasi_nn_tensor_constructor_tensor(&dimensions, (uint8_t)atoi(words[0]), &data);
}

static void print_tensor(wasi_nn_inference_named_tensor_t *named) {
  wasi_nn_tensor_borrow_tensor_t tensor = wasi_nn_tensor_borrow_tensor(named->f1);
  wasi_nn_tensor_tensor_dimensions_t dimensions;
  wasi_nn_tensor_tensor_data_t data;
  wasi_nn_tensor_method_tensor_dimensions(tensor, &dimensions);
  wasi_nn_tensor_method_tensor_data(tensor, &data);
  printf("%.*s %d ", (int)named->f0.len, (const char *)named->f0.ptr,
         wasi_nn_tensor_method_tensor_ty(tensor));
  for (size_t i = 0; i < dimensions.len; ++i) printf(i ? "x%u" : "%u", dimensions.ptr[i]);
  printf(" ");
  const bool many = data.len > 1u << 20;
  if (many) printf("=%zu", data.len);
  for (size_t i = 0; i < data.len && !many; ++i) printf("%02x", data.ptr[i]);
  printf("\n");
}

static wasi_nn_graph_graph_builder_t read_file(const char *name) {
  FILE *file = fopen(name, "rb");
  if (!file) exit(2);
  enum { MOST = 128 << 20 };
  wasi_nn_graph_graph_builder_t bytes = {malloc(MOST), 0};
  bytes.len = fread(bytes.ptr, 1, MOST, file);
  fclose(file);
  bytes.ptr = realloc(bytes.ptr, bytes.len + 1);
  return bytes;
}

static wasi_nn_graph_graph_encoding_t encoding_of(const char *name) {
  static const char *endings[] = {".xml", ".onnx", ".pb", ".pt", ".tflite"};  // in the interface's order
  for (uint8_t i = 0; i < 5; ++i) {
    const size_t size = strlen(endings[i]);
    if (strlen(name) > size && strcmp(name + strlen(name) - size, endings[i]) == 0) return i;
  }
  return 1;  // ONNX
}

static bool load(char *name, wasi_nn_graph_own_graph_t *graph, wasi_nn_errors_own_error_t *error) {
  tensors_string_t text;
  if (name[0] != '@') {
    tensors_string_dup(&text, name);
    return wasi_nn_graph_load_by_name(&text, graph, error);
  }
  const char *first = strtok(name + 1, ","), *second = strtok(NULL, ",");
  wasi_nn_graph_graph_builder_t parts[2] = {read_file(first)};
  if (second) parts[1] = read_file(second);
  wasi_nn_graph_list_graph_builder_t builders = {parts, second ? 2 : 1};
  return wasi_nn_graph_load(&builders, encoding_of(first), 0, graph, error);  // on the processor
}

int main(int count, char **words) {
  if (count < 2 || count % 4 != 2) return 2;
  wasi_nn_errors_own_error_t error;
  wasi_nn_graph_own_graph_t graph;
  if (!load(words[1], &graph, &error)) return failed(error);
  wasi_nn_inference_own_graph_execution_context_t context;
  if (!wasi_nn_graph_method_graph_init_execution_context(wasi_nn_graph_borrow_graph(graph), &context, &error)) {
    return failed(error);
  }
  wasi_nn_inference_list_named_tensor_t inputs = {calloc((size_t)count, sizeof(*inputs.ptr)), 0};
  for (int i = 2; i < count; i += 4) {
    wasi_nn_inference_named_tensor_t *input = &inputs.ptr[inputs.len++];
    tensors_string_dup(&input->f0, words[i]);
    input->f1 = read_tensor(words + i + 1);
  }
  wasi_nn_inference_list_named_tensor_t outputs;
  if (!wasi_nn_inference_method_graph_execution_context_compute(
          wasi_nn_inference_borrow_graph_execution_context(context), &inputs, &outputs, &error)) {
    return failed(error);
  }
  for (size_t i = 0; i < outputs.len; ++i) print_tensor(&outputs.ptr[i]);
  return 0;
}

// The C library's own start would run constructors and destructors around each call of the host into
// this module (cabi_realloc), because nothing names them.
void __wasm_call_ctors(void);
int __main_void(void);
__attribute__((export_name("_start"))) void _start(void) {
  __wasm_call_ctors();
  exit(__main_void());
}
