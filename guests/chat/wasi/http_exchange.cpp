#include "http_exchange.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace quern::chat::wasi {
namespace {

using Fields = Own<wasi_http_types_own_fields_t, wasi_http_types_fields_drop_own>;
using IncomingBody =
    Own<wasi_http_types_own_incoming_body_t, wasi_http_types_incoming_body_drop_own>;
using InputStream = Own<wasi_io_streams_own_input_stream_t, wasi_io_streams_input_stream_drop_own>;

// The host gives at most what it has; this only bounds one copy.
constexpr std::uint64_t kReadBytes = 64 * 1024;

std::string read_method(const IncomingRequest& request) {
  constexpr std::array<std::string_view, 9> kNames = {
      "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};
  wasi_http_types_method_t method;
  wasi_http_types_method_incoming_request_method(
      wasi_http_types_borrow_incoming_request(request.get()), &method);
  std::string name =
      method.tag < kNames.size() ? std::string(kNames[method.tag]) : copied(method.val.other);
  wasi_http_types_method_free(&method);
  return name;
}

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

Headers read_headers(const IncomingRequest& request) {
  const Fields fields(wasi_http_types_method_incoming_request_headers(
      wasi_http_types_borrow_incoming_request(request.get())));
  wasi_http_types_list_tuple2_field_name_field_value_t entries;
  wasi_http_types_method_fields_entries(wasi_http_types_borrow_fields(fields.get()), &entries);
  Headers headers;
  for (std::size_t i = 0; i < entries.len; ++i) {
    const auto& [name, value] = entries.ptr[i];
    headers.emplace_back(lower_case(copied(name)), copied({value.ptr, value.len}));
  }
  wasi_http_types_list_tuple2_field_name_field_value_free(&entries);
  return headers;
}

ApiError broken_body() {
  return bad_request("", "incomplete_body", "The request's body broke off.");
}

// What comes until the end. `declared`: room for it is made at once, for a string that grows by
// doubling leaves twice its size behind in a memory that never shrinks.
Outcome<std::string> read_stream(const InputStream& stream, std::size_t declared,
                                 std::size_t limit) {
  std::string body;
  body.reserve(declared);
  while (true) {
    quern_list_u8_t chunk;
    wasi_io_streams_stream_error_t error;
    if (!wasi_io_streams_method_input_stream_blocking_read(
            wasi_io_streams_borrow_input_stream(stream.get()), kReadBytes, &chunk, &error)) {
      const bool ended = error.tag == WASI_IO_STREAMS_STREAM_ERROR_CLOSED;
      wasi_io_streams_stream_error_free(&error);
      if (!ended) return fail(broken_body());
      return body;
    }
    body.append(reinterpret_cast<const char*>(chunk.ptr), chunk.len);
    quern_list_u8_free(&chunk);
    if (body.size() > limit) return fail(body_too_large(limit));
  }
}

// What content-length says; 0 where the body comes in chunks.
std::uint64_t declared_length(const IncomingRequest& request) {
  for (const auto& [name, value] : read_headers(request)) {
    std::uint64_t length = 0;
    if (name != "content-length") continue;
    const auto end = std::from_chars(value.data(), value.data() + value.size(), length);
    return end.ec == std::errc() ? length : std::numeric_limits<std::uint64_t>::max();
  }
  return 0;
}

Fields make_headers(const Headers& headers) {
  Fields fields(wasi_http_types_constructor_fields());
  for (const auto& [name, value] : headers) {
    quern_string_t key = borrowed(name);
    wasi_http_types_field_value_t bytes{bytes_of(value), value.size()};
    wasi_http_types_header_error_t error;
    // A header that the host refuses is left out: all are constants of ours or numbers, but for
    // an origin that was a valid header when it came.
    wasi_http_types_method_fields_append(wasi_http_types_borrow_fields(fields.get()), &key, &bytes,
                                         &error);
  }
  return fields;
}

}  // namespace

Request read_head(const IncomingRequest& request) {
  const auto borrow = wasi_http_types_borrow_incoming_request(request.get());
  Request head;
  head.method = read_method(request);
  quern_string_t text;
  if (wasi_http_types_method_incoming_request_path_with_query(borrow, &text)) {
    head.path = taken(text);
    head.path.resize(std::min(head.path.find('?'), head.path.size()));
  }
  if (wasi_http_types_method_incoming_request_authority(borrow, &text)) {
    head.authority = taken(text);
  }
  head.headers = read_headers(request);
  return head;
}

Outcome<std::string> WasiBody::read(std::size_t limit) {
  const std::uint64_t declared = declared_length(request_);
  if (declared > limit) return fail(body_too_large(limit));
  wasi_http_types_own_incoming_body_t raw_body;
  if (!wasi_http_types_method_incoming_request_consume(
          wasi_http_types_borrow_incoming_request(request_.get()), &raw_body)) {
    return fail(broken_body());
  }
  const IncomingBody body(raw_body);
  wasi_io_streams_own_input_stream_t raw_stream;
  if (!wasi_http_types_method_incoming_body_stream(wasi_http_types_borrow_incoming_body(body.get()),
                                                   &raw_stream)) {
    return fail(broken_body());
  }
  const InputStream stream(raw_stream);
  return read_stream(stream, static_cast<std::size_t>(declared), limit);
}

void WasiResponder::start(int status, const Headers& headers) {
  const auto response =
      wasi_http_types_constructor_outgoing_response(make_headers(headers).release());
  const auto borrow = wasi_http_types_borrow_outgoing_response(response);
  wasi_http_types_method_outgoing_response_set_status_code(borrow,
                                                           static_cast<std::uint16_t>(status));
  wasi_http_types_own_outgoing_body_t body;
  if (wasi_http_types_method_outgoing_response_body(borrow, &body)) body_ = Body(body);
  wasi_http_types_result_own_outgoing_response_error_code_t result;
  result.is_err = false;
  result.val.ok = response;
  wasi_http_types_static_response_outparam_set(out_.release(), &result);

  wasi_io_streams_own_output_stream_t stream;
  if (body_.held() && wasi_http_types_method_outgoing_body_write(
                          wasi_http_types_borrow_outgoing_body(body_.get()), &stream)) {
    stream_ = Stream(stream);
  } else {
    broken_ = true;
  }
}

std::uint64_t WasiResponder::wait_for_room() {
  const auto borrow = wasi_io_streams_borrow_output_stream(stream_.get());
  while (true) {
    std::uint64_t room = 0;
    wasi_io_streams_stream_error_t error;
    if (!wasi_io_streams_method_output_stream_check_write(borrow, &room, &error)) {
      wasi_io_streams_stream_error_free(&error);
      return 0;
    }
    if (room > 0) return room;
    const Pollable ready(wasi_io_streams_method_output_stream_subscribe(borrow));
    wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(ready.get()));
  }
}

bool WasiResponder::write(std::string_view bytes) {
  while (!bytes.empty() && !broken_) {
    const std::uint64_t room = wait_for_room();
    if (room == 0) broken_ = true;
    if (broken_) break;
    const std::string_view part =
        bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(room, bytes.size())));
    quern_list_u8_t contents{bytes_of(part), part.size()};
    wasi_io_streams_stream_error_t error;
    if (!wasi_io_streams_method_output_stream_write(
            wasi_io_streams_borrow_output_stream(stream_.get()), &contents, &error)) {
      wasi_io_streams_stream_error_free(&error);
      broken_ = true;
    }
    bytes.remove_prefix(part.size());
  }
  return !broken_;
}

WasiResponder::~WasiResponder() {
  stream_.reset();
  if (!body_.held() || broken_) return;  // dropping an unfinished body tells the client so
  wasi_http_types_error_code_t error;
  if (!wasi_http_types_static_outgoing_body_finish(body_.release(), nullptr, &error)) {
    wasi_http_types_error_code_free(&error);
  }
}

}  // namespace quern::chat::wasi
