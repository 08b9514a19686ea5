/* nn MODEL PROMPT TOKENS: WASI-NN as WasmEdge has it, called from C: the model by the name `preload:MODEL`, its options as the
   second builder, one token a call. Prints the answer, then the counts as JSON on standard error. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NN(name) __attribute__((import_module("wasi_ephemeral_nn"), import_name(name)))

typedef struct {
  const void *data;
  uint32_t size;
} Bytes;
typedef struct {
  const uint32_t *shape;
  uint32_t dimensions;
  uint32_t type;
  const void *data;
  uint32_t size;
} Tensor;

enum { GGML = 6, ANY_TARGET = 0, U8 = 3, END_OF_SEQUENCE = 100, CONTEXT_FULL = 101 };

NN("load") uint32_t load(const Bytes *builders, uint32_t count, uint32_t encoding, uint32_t target, uint32_t *graph);
NN("init_execution_context") uint32_t init_execution_context(uint32_t graph, uint32_t *context);
NN("set_input") uint32_t set_input(uint32_t context, uint32_t index, const Tensor *tensor);
NN("compute_single") uint32_t compute_single(uint32_t context);
NN("get_output_single")
uint32_t get_output_single(uint32_t context, uint32_t index, void *out, uint32_t room, uint32_t *size);
NN("fini_single") uint32_t fini_single(uint32_t context);
NN("finalize_execution_context") uint32_t finalize_execution_context(uint32_t context);
NN("unload") uint32_t unload(uint32_t graph);

static void must(uint32_t error, const char *what) {
  if (error == 0) return;
  fprintf(stderr, "%s: error %u\n", what, error);
  exit(1);
}

static Bytes text(const char *words) { return (Bytes){words, (uint32_t)strlen(words)}; }

static void print_output(uint32_t context, uint32_t index, FILE *where) {
  char out[4096];
  uint32_t size = 0;
  must(get_output_single(context, index, out, sizeof out, &size), "get_output_single");
  fwrite(out, 1, size, where);
  if (index == 1) fputc('\n', where);
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "nn MODEL PROMPT TOKENS\n");
    return 2;
  }
  char name[256];
  snprintf(name, sizeof name, "preload:%s", argv[1]);
  const Bytes builders[] = {text(name), text("{\"temp\": 0}")};
  uint32_t graph = 0, context = 0;
  must(load(builders, 2, GGML, ANY_TARGET, &graph), "load");
  must(init_execution_context(graph, &context), "init_execution_context");

  const uint32_t shape[] = {1};
  const Bytes prompt = text(argv[2]);
  const Tensor tensor = {shape, 1, U8, prompt.data, prompt.size};
  must(set_input(context, 0, &tensor), "set_input");
  for (int left = atoi(argv[3]); left > 0; --left) {
    const uint32_t error = compute_single(context);
    if (error == END_OF_SEQUENCE || error == CONTEXT_FULL) break;
    must(error, "compute_single");
    print_output(context, 0, stdout);
  }
  print_output(context, 1, stderr);
  must(fini_single(context), "fini_single");
  must(finalize_execution_context(context), "finalize_execution_context");
  must(unload(graph), "unload");
  return compute_single(context) == 0; /* nobody's any more */
}
