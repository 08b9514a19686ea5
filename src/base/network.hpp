// The outside world as a client sees it: fetching bytes by URL, and speaking to an API. The real
// one is made by http::make_client; tests use FakeNetwork (base/fakes.hpp).
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace quern {

struct FetchRequest {
  std::string url;  // http or https
  std::vector<std::pair<std::string, std::string>> headers;
  std::uint64_t offset = 0;  // resume from here (Range)
};

struct FetchHead {
  std::uint16_t status = 0;
  std::optional<std::uint64_t> total;  // size of the whole thing, where the server tells
  std::uint64_t offset = 0;            // where the body begins: 0 when the server ignored the range
  std::string url;                     // after redirects
  std::string content_type;
};

// One call of an API: what goes there, as a stream.
struct SendRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::uint64_t body_bytes = 0;
  // The next piece of the body, never empty, until body_bytes were given.
  std::function<Result<Buffer>()> body;
  Bytes largest_answer = 4_MiB;
};

struct SendAnswer {
  std::uint16_t status = 0;
  std::string url;  // after redirects
  std::string location;
  std::string content_type;
  std::string authenticate;  // WWW-Authenticate
  std::string retry_after;   // Retry-After
  std::string body;
};

class Network {
 public:
  virtual ~Network() = default;
  // Blocks until the body is over. `head` comes first, once; returning an error from either
  // callback ends the fetch with it. Statuses from 400 are errors: 404 not_found, 401 and 403
  // permission_denied, 429 and 5xx unavailable, 416 invalid_argument. No connection: unavailable.
  virtual Result<> fetch(const FetchRequest& request, std::stop_token stop,
                         std::function<Result<>(const FetchHead&)> head,
                         std::function<Result<>(ByteView)> chunk) = 0;
  // One request and its answer, whatever its status. Only GET and HEAD follow redirects.
  // resource_exhausted: an answer beyond the limit.
  virtual Result<SendAnswer> send(const SendRequest& request, std::stop_token stop) = 0;
};

}  // namespace quern
