// HTTP/1.1 responses out of bytes, for the client.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace quern::http {

struct ResponseHead {
  std::uint16_t status = 0;
  std::string location;
  std::string content_type;
  std::string content_range;
  std::string retry_after;
  std::string authenticate;  // WWW-Authenticate
  std::optional<std::uint64_t> content_length;
};

class ResponseParser {
 public:
  // none: the answer to CONNECT or HEAD, which is only a head.
  enum class Body : std::uint8_t { expected, none };
  using Sink = std::function<Result<>(ByteView)>;

  explicit ResponseParser(Body body);
  ~ResponseParser();
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;

  // Takes bytes from the front of `input` and says how many; the rest must come again with more
  // behind it. Stops behind the head, and behind the message. Body bytes go to `sink`, whose
  // error is returned. corrupt_data: not HTTP, or a head beyond 64 KiB.
  Result<std::size_t> feed(std::string_view input, const Sink& sink);
  bool has_head() const;
  bool is_done() const;
  const ResponseHead& head() const;
  // The peer has ended the connection: is the message whole? Without content-length and chunks,
  // the end of the connection is its end.
  bool end_completes() const;
  // Once it is done: another answer may follow on this connection.
  bool keeps_connection() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quern::http
