// wasi:io and the standard streams of wasi:cli. stdin is "0123456789abcdef"; to stdout go
// "written", "flushed", four zeroes and "spliced" between the checks' own words; to stderr "to
// stderr".
#include "p2.h"

static output_t out;

static void writing(void) {
  stream_error_t error;
  uint64_t room = 0;
  out = wasi_cli_stdout_get_stdout();
  wait_for(OUTPUT(subscribe)(BORROW_OUTPUT(out)));
  check("check-write", OUTPUT(check_write)(BORROW_OUTPUT(out), &room, &error) && room >= 7);
  checks_list_u8_t word = bytes("written");
  check("write", OUTPUT(write)(BORROW_OUTPUT(out), &word, &error));
  check("flush", OUTPUT(flush)(BORROW_OUTPUT(out), &error));
  check("blocking-flush", OUTPUT(blocking_flush)(BORROW_OUTPUT(out), &error));
  word = bytes("flushed");
  check("blocking-write-and-flush",
        OUTPUT(blocking_write_and_flush)(BORROW_OUTPUT(out), &word, &error));
  check("check-write again", OUTPUT(check_write)(BORROW_OUTPUT(out), &room, &error));
  check("write-zeroes", OUTPUT(write_zeroes)(BORROW_OUTPUT(out), 2, &error));
  check("blocking-write-zeroes-and-flush",
        OUTPUT(blocking_write_zeroes_and_flush)(BORROW_OUTPUT(out), 2, &error));
  const output_t other = wasi_cli_stderr_get_stderr();
  word = bytes("to stderr");
  check("stderr", OUTPUT(blocking_write_and_flush)(BORROW_OUTPUT(other), &word, &error));
  wasi_io_streams_output_stream_drop_own(other);
}

static void reading(void) {
  stream_error_t error;
  checks_list_u8_t got = {0};
  uint64_t skipped = 0;
  const input_t in = wasi_cli_stdin_get_stdin();
  const pollable_t ready = INPUT(subscribe)(BORROW_INPUT(in));
  wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(ready));
  check("pollable.ready", wasi_io_poll_method_pollable_ready(wasi_io_poll_borrow_pollable(ready)));
  const pollable_t late = wasi_clocks_monotonic_clock_subscribe_duration(3600000000000);
  wasi_io_poll_borrow_pollable_t both[] = {wasi_io_poll_borrow_pollable(late),
                                           wasi_io_poll_borrow_pollable(ready)};
  wasi_io_poll_list_borrow_pollable_t list = {both, 2};
  checks_list_u32_t which = {0};
  wasi_io_poll_poll(&list, &which);
  check("poll: the one that is ready", which.len == 1 && which.ptr[0] == 1);
  wasi_io_poll_pollable_drop_own(late);
  check("read", INPUT(read)(BORROW_INPUT(in), 2, &got, &error) && same(got.ptr, got.len, "01"));
  check("blocking-read",
        INPUT(blocking_read)(BORROW_INPUT(in), 2, &got, &error) && same(got.ptr, got.len, "23"));
  check("skip", INPUT(skip)(BORROW_INPUT(in), 2, &skipped, &error) && skipped == 2);
  check("blocking-skip",
        INPUT(blocking_skip)(BORROW_INPUT(in), 2, &skipped, &error) && skipped == 2);
  uint64_t moved = 0;
  check("splice",
        OUTPUT(splice)(BORROW_OUTPUT(out), BORROW_INPUT(in), 2, &moved, &error) && moved == 2);
  check("blocking-splice",
        OUTPUT(blocking_splice)(BORROW_OUTPUT(out), BORROW_INPUT(in), 2, &moved, &error) &&
            moved == 2);
  check("read the rest", INPUT(blocking_read)(BORROW_INPUT(in), 100, &got, &error) &&
                             same(got.ptr, got.len, "cdef"));
  check("at its end it is closed", !INPUT(blocking_read)(BORROW_INPUT(in), 1, &got, &error) &&
                                       error.tag == WASI_IO_STREAMS_STREAM_ERROR_CLOSED);
  wasi_io_poll_pollable_drop_own(ready);
  wasi_io_streams_input_stream_drop_own(in);
}

// A stream from a place that no file has: what failed is in the error's handle.
static void failing(void) {
  wasi_filesystem_preopens_list_tuple2_own_descriptor_string_t folders;
  wasi_filesystem_types_own_descriptor_t file;
  wasi_filesystem_types_error_code_t code = 0;
  input_t in;
  stream_error_t error;
  checks_list_u8_t got;
  checks_string_t path = text("file.txt");
  wasi_filesystem_preopens_get_directories(&folders);
  if (!check("a file",
             FILE_(open_at)(wasi_filesystem_types_borrow_descriptor(folders.ptr[0].f0), 0, &path, 0,
                            WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_READ, &file, &code)))
    return;
  check("read-via-stream", FILE_(read_via_stream)(wasi_filesystem_types_borrow_descriptor(file),
                                                  1ull << 63, &in, &code));
  const bool read = INPUT(blocking_read)(BORROW_INPUT(in), 1, &got, &error);
  if (!check("last-operation-failed",
             !read && error.tag == WASI_IO_STREAMS_STREAM_ERROR_LAST_OPERATION_FAILED))
    return;
  const wasi_io_error_borrow_error_t why =
      wasi_io_error_borrow_error(error.val.last_operation_failed);
  checks_string_t words;
  wasi_io_error_method_error_to_debug_string(why, &words);
  check("to-debug-string", words.len > 0);
  check("filesystem-error-code", wasi_filesystem_types_filesystem_error_code(why, &code));
  is("filesystem-error-code: which", code, WASI_FILESYSTEM_TYPES_ERROR_CODE_INVALID);
  wasi_io_error_error_drop_own(error.val.last_operation_failed);
}

int program(void) {
  writing();
  reading();
  failing();
  wasi_io_streams_output_stream_drop_own(out);
  return done();
}
