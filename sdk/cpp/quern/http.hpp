// wasi:http for a service that answers with text: one request, one answer, in pieces.
//
//     quern::http::Outcome answer(const quern::http::Request& request, quern::http::Response&
//     response) {
//       response.start(200, "text/plain");
//       response.write("hello");
//       return {};
//     }
//     QUERN_HTTP(answer)
#pragma once

#include "quern/llm.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace quern::http {

// Why a request has no answer, or no whole one: an HTTP status, and a text for people.
struct Problem {
  std::uint16_t status = 500;
  std::string text;
};
// Nothing: it went well.
using Outcome = std::optional<Problem>;

inline Problem problem_of(const Error& error) {
  constexpr std::array<std::uint16_t, 10> kStatus = {400, 404, 403, 413, 503,
                                                     503, 504, 500, 500, 500};  // as ErrorKind
  return {kStatus[static_cast<std::size_t>(error.kind)], describe(error)};
}

// Is this UTF-8 (RFC 3629)? Nothing else may go to the host as a text.
inline bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i++]);
    const int more = first < 0x80 ? 0 : first < 0xc2 ? -1 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    if (more < 0 || first > 0xf4) return false;
    std::uint32_t code = more == 0 ? first : first & (0x3fU >> more);
    for (int k = 0; k < more; ++k) {
      const auto next = static_cast<unsigned char>(i < text.size() ? text[i++] : 0);
      if ((next & 0xc0U) != 0x80) return false;
      code = code << 6U | (next & 0x3fU);
    }
    const bool longer = (more == 2 && code < 0x800) || (more == 3 && code < 0x10000);
    if (longer || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return false;
  }
  return true;
}

class Request {
 public:
  explicit Request(wasi_http_types_own_incoming_request_t raw) : raw_(raw) {}

  std::string method() const {
    constexpr std::array<const char*, 9> kNames = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                                   "CONNECT", "OPTIONS", "TRACE", "PATCH"};
    wasi_http_types_method_t method;
    wasi_http_types_method_incoming_request_method(borrow(), &method);
    std::string name =
        method.tag < kNames.size() ? kNames[method.tag] : wasi::copied(method.val.other);
    wasi_http_types_method_free(&method);
    return name;
  }

  std::string path() const {
    quern_string_t text;
    if (!wasi_http_types_method_incoming_request_path_with_query(borrow(), &text)) return "/";
    const std::string target = wasi::taken(text);
    return target.substr(0, target.find('?'));
  }

  // The whole body into `text`. A problem when it has more than `limit` bytes, breaks off, or is no
  // UTF-8.
  Outcome read(std::string& text, std::size_t limit) const {
    const Problem broken{400, "the request's body broke off"};
    wasi_http_types_own_incoming_body_t raw_body;
    if (!wasi_http_types_method_incoming_request_consume(borrow(), &raw_body)) return broken;
    const Body body(raw_body);
    wasi_io_streams_own_input_stream_t raw_stream;
    if (!wasi_http_types_method_incoming_body_stream(
            wasi_http_types_borrow_incoming_body(body.get()), &raw_stream)) {
      return broken;
    }
    const Stream stream(raw_stream);
    while (true) {
      quern_list_u8_t chunk;
      wasi_io_streams_stream_error_t error;
      if (!wasi_io_streams_method_input_stream_blocking_read(
              wasi_io_streams_borrow_input_stream(stream.get()), 4096, &chunk, &error)) {
        const bool ended = error.tag == WASI_IO_STREAMS_STREAM_ERROR_CLOSED;
        wasi_io_streams_stream_error_free(&error);
        if (!ended) return broken;
        return is_utf8(text) ? Outcome() : Problem{400, "the request's body is not UTF-8"};
      }
      text += wasi::copied(chunk);
      quern_list_u8_free(&chunk);
      if (text.size() > limit) {
        return Problem{413,
                       "the request's body is larger than " + std::to_string(limit) + " bytes"};
      }
    }
  }

 private:
  using Body =
      wasi::Own<wasi_http_types_own_incoming_body_t, wasi_http_types_incoming_body_drop_own>;
  using Stream =
      wasi::Own<wasi_io_streams_own_input_stream_t, wasi_io_streams_input_stream_drop_own>;

  wasi_http_types_borrow_incoming_request_t borrow() const {
    return wasi_http_types_borrow_incoming_request(raw_.get());
  }

  wasi::Own<wasi_http_types_own_incoming_request_t, wasi_http_types_incoming_request_drop_own> raw_;
};

class Response {
 public:
  explicit Response(wasi_http_types_own_response_outparam_t out) : out_(out) {}

  bool started() const { return body_.held(); }

  void start(std::uint16_t status, std::string_view content_type) {
    const auto fields = wasi_http_types_constructor_fields();
    quern_string_t name = wasi::borrowed("content-type");
    wasi_http_types_field_value_t value{wasi::bytes_of(content_type), content_type.size()};
    wasi_http_types_header_error_t wrong;
    wasi_http_types_method_fields_append(wasi_http_types_borrow_fields(fields), &name, &value,
                                         &wrong);
    const auto response = wasi_http_types_constructor_outgoing_response(fields);
    const auto borrow = wasi_http_types_borrow_outgoing_response(response);
    wasi_http_types_method_outgoing_response_set_status_code(borrow, status);
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
    }
  }

  // Sends it now. False when nobody reads any more.
  bool write(std::string_view text) {
    constexpr std::size_t kChunk = 4096;  // what one blocking write may carry, as wasi:io says
    for (; !text.empty(); text.remove_prefix(std::min(kChunk, text.size()))) {
      const std::string_view part = text.substr(0, kChunk);
      quern_list_u8_t contents{wasi::bytes_of(part), part.size()};
      wasi_io_streams_stream_error_t error;
      if (!stream_.held() ||
          !wasi_io_streams_method_output_stream_blocking_write_and_flush(
              wasi_io_streams_borrow_output_stream(stream_.get()), &contents, &error)) {
        return false;
      }
    }
    return true;
  }

  // Without it the client is told that the answer broke off.
  void finish() {
    stream_.reset();
    wasi_http_types_error_code_t error;
    if (body_.held() &&
        !wasi_http_types_static_outgoing_body_finish(body_.release(), nullptr, &error)) {
      wasi_http_types_error_code_free(&error);
    }
  }

 private:
  using Body =
      wasi::Own<wasi_http_types_own_outgoing_body_t, wasi_http_types_outgoing_body_drop_own>;
  using Stream =
      wasi::Own<wasi_io_streams_own_output_stream_t, wasi_io_streams_output_stream_drop_own>;

  wasi::Own<wasi_http_types_own_response_outparam_t, wasi_http_types_response_outparam_drop_own>
      out_;
  Body body_;
  Stream stream_;  // after body_: it goes first
};

// What QUERN_HTTP hands a request to. A problem before the response has started is told the client.
inline void serve(wasi_http_types_own_incoming_request_t request,
                  wasi_http_types_own_response_outparam_t out,
                  Outcome (*answer)(const Request&, Response&)) {
  Response response(out);
  const Outcome problem = answer(Request(request), response);
  if (problem && response.started()) {
    // Too late to say it: the client sees that the answer broke off, the host's log says why.
    std::fprintf(stderr, "%s\n", problem->text.c_str());
    return;
  }
  if (problem) {
    response.start(problem->status, "application/json");
    response.write(nlohmann::json{{"error", problem->text}}.dump());
  }
  response.finish();
}

}  // namespace quern::http

// Makes this program the service whose requests a function answers.
#define QUERN_HTTP(answer)                                               \
  extern "C" void exports_wasi_http_incoming_handler_handle(             \
      exports_wasi_http_incoming_handler_own_incoming_request_t request, \
      exports_wasi_http_incoming_handler_own_response_outparam_t out) {  \
    quern::http::serve(request, out, answer);                            \
  }
