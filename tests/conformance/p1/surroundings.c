// args, environ, clocks, random numbers, sched_yield, proc_raise.
// Run with the arguments "one", "two words", "" and the variables A=1, EMPTY=, WORDS=two words.
#include "p1.h"
#include <stdlib.h>

// Not in wasi-libc's header any more, but a part of WASI 0.1.
__attribute__((import_module("wasi_snapshot_preview1"), import_name("proc_raise"))) int32_t
proc_raise(int32_t signal);

static void arguments(void) {
  const char* const expected[] = {"surroundings.wasm", "one", "two words", ""};
  __wasi_size_t count = 0, bytes = 0;
  is("args_sizes_get", __wasi_args_sizes_get(&count, &bytes), OK);
  is("args_sizes_get: how many", count, 4);
  is("args_sizes_get: bytes", bytes,
     sizeof "surroundings.wasm" + sizeof "one" + sizeof "two words" + 1);
  uint8_t* list[4];
  uint8_t text[100];
  if (count != 4 || bytes > sizeof text) return;
  is("args_get", __wasi_args_get(list, text), OK);
  for (int i = 0; i < 4; i++) check("args_get: a text", strcmp((char*)list[i], expected[i]) == 0);
  check("args_get: one after the other",
        list[0] == text && list[1] == text + strlen(expected[0]) + 1);
}

static void variables(void) {
  const char* const expected[] = {"A=1", "EMPTY=", "WORDS=two words"};
  __wasi_size_t count = 0, bytes = 0;
  is("environ_sizes_get", __wasi_environ_sizes_get(&count, &bytes), OK);
  is("environ_sizes_get: how many", count, 3);
  is("environ_sizes_get: bytes", bytes, sizeof "A=1" + sizeof "EMPTY=" + sizeof "WORDS=two words");
  uint8_t* list[3];
  uint8_t text[100];
  if (count != 3 || bytes > sizeof text) return;
  is("environ_get", __wasi_environ_get(list, text), OK);
  for (int i = 0; i < 3; i++)
    check("environ_get: a text", strcmp((char*)list[i], expected[i]) == 0);
}

static void clocks(void) {
  __wasi_timestamp_t resolution = 0, before = 0, after = 0;
  for (__wasi_clockid_t clock = __WASI_CLOCKID_REALTIME; clock <= __WASI_CLOCKID_MONOTONIC;
       clock++) {
    is("clock_res_get", __wasi_clock_res_get(clock, &resolution), OK);
    check("clock_res_get: under a second", resolution > 0 && resolution < 1000000000);
    is("clock_time_get", __wasi_clock_time_get(clock, 1, &before), OK);
    is("clock_time_get again", __wasi_clock_time_get(clock, 1, &after), OK);
    check("clock_time_get: it does not run backwards",
          clock == __WASI_CLOCKID_REALTIME || after >= before);
  }
  is("clock_time_get: now", __wasi_clock_time_get(__WASI_CLOCKID_REALTIME, 1, &before), OK);
  check("the wall clock is after 2024", before > 1704067200ull * 1000000000);
  is("a process's clock is not there",
     __wasi_clock_res_get(__WASI_CLOCKID_PROCESS_CPUTIME_ID, &resolution), __WASI_ERRNO_BADF);
  is("a thread's clock is not there",
     __wasi_clock_time_get(__WASI_CLOCKID_THREAD_CPUTIME_ID, 1, &before), __WASI_ERRNO_BADF);
}

static void chance(void) {
  uint8_t first[64] = {0}, second[64] = {0};
  is("random_get", __wasi_random_get(first, sizeof first), OK);
  is("random_get again", __wasi_random_get(second, sizeof second), OK);
  check("random_get: never the same", memcmp(first, second, sizeof first) != 0);
  is("random_get: nothing", __wasi_random_get(first, 0), OK);
}

int main(void) {
  arguments();
  variables();
  clocks();
  chance();
  is("sched_yield", __wasi_sched_yield(), OK);
  is("proc_raise is not offered", proc_raise(1), __WASI_ERRNO_NOTSUP);
  return done();
}
