// What the programs for WASI 0.2 share. The bindings' names are long: these macros carry the
// interface, so that a line shows the call.
#pragma once

#include "../check.h"
#include "checks.h"
#include <stdlib.h>

#define INPUT(call) wasi_io_streams_method_input_stream_##call
#define OUTPUT(call) wasi_io_streams_method_output_stream_##call
#define FILE_(call) wasi_filesystem_types_method_descriptor_##call
#define TCP(call) wasi_sockets_tcp_method_tcp_socket_##call
#define UDP(call) wasi_sockets_udp_method_udp_socket_##call

typedef wasi_io_streams_own_input_stream_t input_t;
typedef wasi_io_streams_own_output_stream_t output_t;
typedef wasi_io_streams_stream_error_t stream_error_t;
typedef wasi_io_poll_own_pollable_t pollable_t;

#define BORROW_INPUT wasi_io_streams_borrow_input_stream
#define BORROW_OUTPUT wasi_io_streams_borrow_output_stream

static inline checks_string_t text(const char* of) {
  return (checks_string_t){(uint8_t*)of, strlen(of)};
}

static inline checks_list_u8_t bytes(const char* of) {
  return (checks_list_u8_t){(uint8_t*)of, strlen(of)};
}

static inline int same(const uint8_t* bytes, size_t length, const char* expected) {
  return length == strlen(expected) && memcmp(bytes, expected, length) == 0;
}

// What each program does; its value is the exit code. Not main: libc would then end itself after
// every call into the component, and a call is made whenever the host hands over a list.
int program(void);

bool exports_wasi_cli_run_run(void) {
  const int code = program();
  fflush(stdout);
  return code == 0;
}

// Waits for it and gives it back.
static inline void wait_for(pollable_t pollable) {
  wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(pollable));
  wasi_io_poll_pollable_drop_own(pollable);
}
