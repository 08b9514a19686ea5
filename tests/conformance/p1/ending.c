// How a program ends: by proc_exit with a code, or by a call that no program should make, which
// ends it by a trap: `ending CODE`, `ending CALL`.
#include "p1.h"
#include <stdlib.h>

// The raw imports: a pointer is a number.
#define IMPORT(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(name)))
IMPORT("random_get") int32_t raw_random_get(uint32_t at, uint32_t size);
IMPORT("fd_write")
int32_t raw_fd_write(int32_t fd, uint32_t list, uint32_t count, uint32_t written);
IMPORT("clock_res_get") int32_t raw_clock_res_get(uint32_t clock, uint32_t at);
IMPORT("path_open")
int32_t raw_path_open(int32_t fd, int32_t lookup, uint32_t path, uint32_t length, int32_t oflags,
                      int64_t rights, int64_t inherited, int32_t fdflags, uint32_t opened);

enum { NOWHERE = 0xfffffff0u, CROOKED = 1025 };

static __wasi_filesize_t offset;

static int pointer_to_nowhere(void) { return raw_random_get(NOWHERE, 64); }
static int list_nowhere(void) { return raw_fd_write(1, NOWHERE, 2, 0); }
static int path_nowhere(void) { return raw_path_open(DATA, 0, NOWHERE, 64, 0, 0, 0, 0, 0); }
static int result_out_of_line(void) { return raw_clock_res_get(0, CROOKED); }
static int no_such_clock(void) { return raw_clock_res_get(17, 1024); }
static int no_such_whence(void) { return __wasi_fd_seek(1, 0, 17, &offset); }
static int no_such_advice(void) { return __wasi_fd_advise(1, 0, 1, 17); }
static int no_such_flags(void) { return raw_path_open(DATA, 0, 1024, 1, 0x4000, 0, 0, 0, 1024); }

static const struct {
  const char* name;
  int (*call)(void);
} calls[] = {
    {"pointer-to-nowhere", pointer_to_nowhere},
    {"list-nowhere", list_nowhere},
    {"path-nowhere", path_nowhere},
    {"result-out-of-line", result_out_of_line},
    {"no-such-clock", no_such_clock},
    {"no-such-whence", no_such_whence},
    {"no-such-advice", no_such_advice},
    {"no-such-flags", no_such_flags},
};

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "";
  puts("ending");
  fflush(stdout);
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    if (strcmp(what, calls[i].name) == 0) return printf("it came back: %d\n", calls[i].call());
  }
  __wasi_proc_exit((__wasi_exitcode_t)strtoul(what, NULL, 10));
}
