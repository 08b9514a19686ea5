// The HTTP side of the test component: the path says how it behaves, and mostly it misbehaves.
#include <cstdint>
#include <string>
#include <string_view>

extern "C" {
#include "hostile.h"
}

namespace {
using Request = exports_wasi_http_incoming_handler_own_incoming_request_t;
using Out = exports_wasi_http_incoming_handler_own_response_outparam_t;

hostile_string_t borrow(std::string_view text) {
  // The bindings only read it; C has no const here.
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data())), text.size()};
}

// An answer under way: the head is sent, the body is written piece by piece.
class Answer {
 public:
  Answer(Out out, std::uint16_t status) {
    const auto response =
        wasi_http_types_constructor_outgoing_response(wasi_http_types_constructor_fields());
    const auto borrowed = wasi_http_types_borrow_outgoing_response(response);
    wasi_http_types_method_outgoing_response_set_status_code(borrowed, status);
    wasi_http_types_method_outgoing_response_body(borrowed, &body_);
    wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(body_),
                                               &stream_);
    wasi_http_types_result_own_outgoing_response_error_code_t result{};
    result.val.ok = response;
    wasi_http_types_static_response_outparam_set(out, &result);
  }

  bool write(std::string_view text) {
    while (!text.empty()) {
      const std::string_view piece = text.substr(0, 4096);  // what one blocking write may take
      hostile_list_u8_t list{borrow(piece).ptr, piece.size()};
      wasi_io_streams_stream_error_t error;
      if (!wasi_io_streams_method_output_stream_blocking_write_and_flush(
              wasi_io_streams_borrow_output_stream(stream_), &list, &error)) {
        return false;
      }
      text.remove_prefix(piece.size());
    }
    return true;
  }

  void finish() {
    wasi_io_streams_output_stream_drop_own(stream_);
    wasi_http_types_error_code_t error;
    wasi_http_types_static_outgoing_body_finish(body_, nullptr, &error);
  }

 private:
  wasi_http_types_own_outgoing_body_t body_{};
  wasi_http_types_own_output_stream_t stream_{};
};

void answer(Out out, std::uint16_t status, std::string_view text) {
  Answer answer(out, status);
  answer.write(text);
  answer.finish();
}

// Sends each piece of the request back before it asks for the next.
void echo(Request request, Out out) {
  Answer answer(out, 200);
  wasi_http_types_own_incoming_body_t body;
  wasi_http_types_own_input_stream_t stream;
  wasi_http_types_method_incoming_request_consume(wasi_http_types_borrow_incoming_request(request),
                                                  &body);
  wasi_http_types_method_incoming_body_stream(wasi_http_types_borrow_incoming_body(body), &stream);
  for (;;) {
    hostile_list_u8_t piece;
    wasi_io_streams_stream_error_t error;
    if (!wasi_io_streams_method_input_stream_blocking_read(
            wasi_io_streams_borrow_input_stream(stream), 65536, &piece, &error)) {
      if (error.tag == WASI_IO_STREAMS_STREAM_ERROR_LAST_OPERATION_FAILED) answer.write("<broken>");
      break;
    }
    if (!answer.write({reinterpret_cast<const char*>(piece.ptr), piece.len})) break;
    hostile_list_u8_free(&piece);
  }
  answer.finish();
}

// "/fetch/host:port": what an outbound request to it ends in.
std::string fetch(std::string_view authority) {
  const auto request =
      wasi_http_types_constructor_outgoing_request(wasi_http_types_constructor_fields());
  const auto borrowed = wasi_http_types_borrow_outgoing_request(request);
  wasi_http_types_scheme_t scheme{};
  scheme.tag = WASI_HTTP_TYPES_SCHEME_HTTP;
  hostile_string_t host = borrow(authority);
  hostile_string_t path = borrow("/greeting");
  wasi_http_types_method_outgoing_request_set_scheme(borrowed, &scheme);
  wasi_http_types_method_outgoing_request_set_authority(borrowed, &host);
  wasi_http_types_method_outgoing_request_set_path_with_query(borrowed, &path);
  wasi_http_outgoing_handler_own_future_incoming_response_t future;
  wasi_http_outgoing_handler_error_code_t error;
  if (!wasi_http_outgoing_handler_handle(request, nullptr, &future, &error)) {
    return error.tag == WASI_HTTP_TYPES_ERROR_CODE_HTTP_REQUEST_DENIED ? "denied" : "error";
  }
  const auto waiting = wasi_http_types_borrow_future_incoming_response(future);
  const auto pollable = wasi_http_types_method_future_incoming_response_subscribe(waiting);
  wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(pollable));
  wasi_io_poll_pollable_drop_own(pollable);
  wasi_http_types_result_result_own_incoming_response_error_code_void_t result;
  if (!wasi_http_types_method_future_incoming_response_get(waiting, &result)) return "nothing";
  if (result.is_err) return "taken";
  if (result.val.ok.is_err) {
    const auto tag = result.val.ok.val.err.tag;
    return tag == WASI_HTTP_TYPES_ERROR_CODE_HTTP_REQUEST_DENIED
               ? "denied"
               : "error " + std::to_string(static_cast<int>(tag));
  }
  return "status " + std::to_string(wasi_http_types_method_incoming_response_status(
                         wasi_http_types_borrow_incoming_response(result.val.ok.val.ok)));
}

void sleep_ms(std::uint64_t ms) {
  const auto pollable = wasi_clocks_monotonic_clock_subscribe_duration(ms * 1'000'000);
  wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(pollable));
  wasi_io_poll_pollable_drop_own(pollable);
}

void behave(std::string_view path, Request request, Out out) {
  if (path == "/hello") return answer(out, 200, "hello");
  if (path == "/echo") return echo(request, out);
  if (path == "/silent") return;                         // returns without a response
  if (path == "/never") return quern_test_host_never();  // waits for the host for ever
  if (path == "/sleep") return sleep_ms(3'600'000);
  if (path == "/trap") __builtin_trap();
  if (path == "/loop") {
    for (volatile int i = 0;; i = i + 1) {
    }
  }
  if (path == "/half") {  // sends a head and a piece, then traps
    Answer answer(out, 200);
    answer.write("half an answer");
    sleep_ms(20);  // the piece is on its way
    __builtin_trap();
  }
  if (path == "/endless") {  // a body without end
    Answer answer(out, 200);
    const std::string piece(4096, 'x');
    while (answer.write(piece)) {
    }
    return;
  }
  if (path == "/unfinished") {  // returns without finishing its body
    Answer answer(out, 200);
    answer.write("unfinished");
    return;
  }
  if (path == "/afterwards") {  // goes on after its answer is complete
    answer(out, 200, "done");
    sleep_ms(50);
    hostile_string_t text = borrow("afterwards");
    quern_test_host_measure(&text);
    return;
  }
  if (path.starts_with("/wait/")) {
    const auto key = static_cast<std::uint32_t>(path[6] - '0');
    return answer(out, 200, std::to_string(quern_test_host_wait_answer(key)));
  }
  if (path.starts_with("/fetch-twice/")) {
    fetch(path.substr(13));
    return answer(out, 200, fetch(path.substr(13)));
  }
  if (path.starts_with("/fetch/")) return answer(out, 200, fetch(path.substr(7)));
  answer(out, 404, "no such behaviour");
}

}  // namespace

extern "C" void exports_wasi_http_incoming_handler_handle(Request request, Out out) {
  hostile_string_t path;
  wasi_http_types_method_incoming_request_path_with_query(
      wasi_http_types_borrow_incoming_request(request), &path);
  behave({reinterpret_cast<const char*>(path.ptr), path.len}, request, out);
}
