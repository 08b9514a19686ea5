// hello: answers every request with one line of text. The measure of what a host adds to a request.
#include <cstdint>
#include <string_view>

extern "C" {
#include "hello.h"
}

namespace {
constexpr std::string_view kText = "Hello from a component.\n";

void write_all(wasi_http_types_borrow_outgoing_body_t body) {
  wasi_http_types_own_output_stream_t stream;
  if (!wasi_http_types_method_outgoing_body_write(body, &stream)) return;
  // The stream only reads the bytes; the C binding has no const.
  hello_list_u8_t contents{
      reinterpret_cast<std::uint8_t*>(const_cast<char*>(kText.data())),  // NOLINT
      kText.size()};
  wasi_io_streams_stream_error_t error;
  wasi_io_streams_method_output_stream_blocking_write_and_flush(
      wasi_io_streams_borrow_output_stream(stream), &contents, &error);
  wasi_io_streams_output_stream_drop_own(stream);
}
}  // namespace

extern "C" void exports_wasi_http_incoming_handler_handle(
    exports_wasi_http_incoming_handler_own_incoming_request_t request,
    exports_wasi_http_incoming_handler_own_response_outparam_t out) {
  wasi_http_types_incoming_request_drop_own(request);
  const auto response = wasi_http_types_constructor_outgoing_response(
      wasi_http_types_constructor_fields());
  wasi_http_types_own_outgoing_body_t body;
  wasi_http_types_method_outgoing_response_body(
      wasi_http_types_borrow_outgoing_response(response), &body);
  wasi_http_types_result_own_outgoing_response_error_code_t result{};
  result.is_err = false;
  result.val.ok = response;
  wasi_http_types_static_response_outparam_set(out, &result);
  write_all(wasi_http_types_borrow_outgoing_body(body));
  wasi_http_types_error_code_t error;
  wasi_http_types_static_outgoing_body_finish(body, nullptr, &error);
}
