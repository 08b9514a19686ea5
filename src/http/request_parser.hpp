// HTTP/1.1 requests out of bytes, without a socket: what the server and the fuzzer share.
//
// One object serves one connection; reset() makes it ready for the next request. The caller keeps
// the unconsumed bytes in one contiguous block that only grows at its end between two calls.
#pragma once

#include "base/bytes.hpp"
#include "http/http.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace quern::http {

// Why a request is not served: the status to answer with, and a line for its sender.
struct Refusal {
  std::uint16_t status = 0;  // 0: not refused
  std::string_view why;      // static storage
};

class RequestParser {
 public:
  struct Limits {
    std::size_t header = 0;  // bytes of request line and fields, also of trailers
    std::uint64_t body = 0;  // bytes of body after removing the chunks
  };
  enum class State : std::uint8_t { head, body, complete, refused };

  explicit RequestParser(Limits limits);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  State state() const;
  const Refusal& refusal() const;

  // State head: consumes nothing until the head is whole, then all of it. Returns bytes consumed.
  std::size_t read_head(std::string_view input);
  // State body: appends at most `most` body bytes to `out`. Returns bytes consumed.
  std::size_t read_body(std::string_view input, Buffer& out, std::size_t most);
  void reset();

  // Valid from the end of the head until reset().
  RequestHead take_head();  // once; peer and tls are for the caller to fill in
  bool http_1_1() const;
  bool keep_alive() const;
  bool expects_continue() const;
  bool is_head() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quern::http
