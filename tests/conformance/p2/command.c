// wasi:cli, wasi:clocks and wasi:random.
//   command "two words" ""   with the variables A=1 and EMPTY=
//   command exit ok|failed|NUMBER
#include "p2.h"

static void surroundings(void) {
  checks_list_string_t args;
  wasi_cli_environment_get_arguments(&args);
  if (is("get-arguments: how many", args.len, 3)) {
    check("get-arguments: the program", same(args.ptr[0].ptr, args.ptr[0].len, "command.wasm"));
    check("get-arguments: the first", same(args.ptr[1].ptr, args.ptr[1].len, "two words"));
    is("get-arguments: the empty one", args.ptr[2].len, 0);
  }
  checks_list_tuple2_string_string_t env;
  wasi_cli_environment_get_environment(&env);
  if (is("get-environment: how many", env.len, 2)) {
    check("get-environment: a name", same(env.ptr[0].f0.ptr, env.ptr[0].f0.len, "A"));
    check("get-environment: its value", same(env.ptr[0].f1.ptr, env.ptr[0].f1.len, "1"));
    check("get-environment: the other", same(env.ptr[1].f0.ptr, env.ptr[1].f0.len, "EMPTY"));
    is("get-environment: its value is empty", env.ptr[1].f1.len, 0);
  }
  checks_string_t folder;
  check("initial-cwd: none", !wasi_cli_environment_initial_cwd(&folder));
}

// The tests give pipes. What is no terminal has no handle to drop; the calls are there all the
// same.
static void terminals(void) {
  wasi_cli_terminal_input_own_terminal_input_t in;
  wasi_cli_terminal_output_own_terminal_output_t out;
  if (!check("terminal-stdin: none", !wasi_cli_terminal_stdin_get_terminal_stdin(&in))) {
    wasi_cli_terminal_input_terminal_input_drop_own(in);
  }
  if (!check("terminal-stdout: none", !wasi_cli_terminal_stdout_get_terminal_stdout(&out))) {
    wasi_cli_terminal_output_terminal_output_drop_own(out);
  }
  check("terminal-stderr: none", !wasi_cli_terminal_stderr_get_terminal_stderr(&out));
}

static void clocks(void) {
  const uint64_t start = wasi_clocks_monotonic_clock_now();
  check("monotonic-clock: resolution", wasi_clocks_monotonic_clock_resolution() > 0);
  wait_for(wasi_clocks_monotonic_clock_subscribe_duration(20000000));
  const uint64_t then = wasi_clocks_monotonic_clock_now();
  check("subscribe-duration: not before its time", then - start >= 20000000);
  wait_for(wasi_clocks_monotonic_clock_subscribe_instant(then + 10000000));
  check("subscribe-instant: not before its time",
        wasi_clocks_monotonic_clock_now() >= then + 10000000);
  const pollable_t past = wasi_clocks_monotonic_clock_subscribe_instant(start);
  wait_for(past);
  wasi_clocks_wall_clock_datetime_t now, resolution;
  wasi_clocks_wall_clock_now(&now);
  wasi_clocks_wall_clock_resolution(&resolution);
  check("wall-clock: after 2024", now.seconds > 1704067200 && now.nanoseconds < 1000000000);
  check("wall-clock: resolution", resolution.seconds == 0 && resolution.nanoseconds > 0);
}

static void chance(void) {
  checks_list_u8_t first, second;
  wasi_random_random_get_random_bytes(64, &first);
  wasi_random_random_get_random_bytes(64, &second);
  is("get-random-bytes: as many", first.len, 64);
  check("get-random-bytes: never the same", memcmp(first.ptr, second.ptr, 64) != 0);
  wasi_random_random_get_random_bytes(0, &first);
  is("get-random-bytes: none", first.len, 0);
  check("get-random-u64",
        wasi_random_random_get_random_u64() != wasi_random_random_get_random_u64());
  wasi_random_insecure_get_insecure_random_bytes(64, &first);
  wasi_random_insecure_get_insecure_random_bytes(64, &second);
  check("get-insecure-random-bytes", first.len == 64 && memcmp(first.ptr, second.ptr, 64) != 0);
  check("get-insecure-random-u64", wasi_random_insecure_get_insecure_random_u64() !=
                                       wasi_random_insecure_get_insecure_random_u64());
  checks_tuple2_u64_u64_t seed, again;
  wasi_random_insecure_seed_insecure_seed(&seed);
  wasi_random_insecure_seed_insecure_seed(&again);
  check("insecure-seed: one for a run", seed.f0 == again.f0 && seed.f1 == again.f1);
}

static void end(checks_string_t how) {
  wasi_cli_exit_result_void_void_t status = {.is_err = same(how.ptr, how.len, "failed")};
  if (status.is_err || same(how.ptr, how.len, "ok")) wasi_cli_exit_exit(&status);
  char number[4] = {0};
  memcpy(number, how.ptr, how.len < 3 ? how.len : 3);
  wasi_cli_exit_exit_with_code((uint8_t)atoi(number));
}

int program(void) {
  checks_list_string_t args;
  wasi_cli_environment_get_arguments(&args);
  if (args.len == 3 && same(args.ptr[1].ptr, args.ptr[1].len, "exit")) end(args.ptr[2]);
  surroundings();
  terminals();
  clocks();
  chance();
  return done();
}
