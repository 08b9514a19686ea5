// A request, its response and the world around, as the handlers of this program see them. The
// component's entry (wasi/component.cpp) and the tests fill them in.
#pragma once

#include "assets.hpp"
#include "llm.hpp"
#include "result.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quern::chat {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;     // upper case
  std::string path;       // without the query
  std::string authority;  // the Host header
  Headers headers;        // names in lower case

  // The first header of that name, or "".
  std::string_view header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return {};
  }
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
};

// Takes one response: start, then write as often as needed.
class Responder {
 public:
  virtual ~Responder() = default;
  virtual void start(int status, const Headers& headers) = 0;
  // Returns when the bytes are on their way; waits while the client reads too slowly. False when
  // the client is gone: stop working.
  virtual bool write(std::string_view bytes) = 0;
};

// The rest of the request, read only by those who want it.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  virtual Outcome<std::string> read(std::size_t limit) = 0;
};

// What a handler may use besides its request.
struct World {
  llm::Models& models;
  BodyReader& body;
  std::span<const Asset> assets;
  std::vector<std::string> allowed_origins;  // beside the same origin; see origin.hpp
  std::uint64_t now_s = 0;                   // seconds since 1970
  std::uint64_t random = 0;                  // makes ids
};

// The prefix and 12 letters that hold 60 random bits: "chatcmpl-...".
std::string make_id(std::string_view prefix, std::uint64_t random);

Response json_response(std::string body);
Response error_response(const ApiError& error);
void send(Responder& responder, const Response& response);

}  // namespace quern::chat
