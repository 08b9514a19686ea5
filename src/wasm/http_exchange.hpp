// One HTTP request through a guest, streaming both ways. Part of wasm/wasm.hpp.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace quern::wasm {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;
  std::string scheme;     // "http" or "https"
  std::string authority;  // the Host header
  std::string target;     // path and query
  HttpHeaders headers;
  bool has_body = false;  // false: the body is empty and push_body may not be called
};

// Gets the response, from worker threads, one call at a time: head, body*, then end or fail.
// fail may come at any point, and is the last call. A guest that returns without a response, or
// whose limits end it, is a fail with its named error.
class HttpResponseSink {
 public:
  virtual ~HttpResponseSink() = default;
  virtual void head(std::uint16_t status, HttpHeaders headers) = 0;
  // The next chunk is not delivered before `taken` was called (from any thread): back-pressure
  // reaches the guest's output stream. `end` does not wait for it.
  virtual void body(Buffer chunk, std::function<void()> taken) = 0;
  virtual void end() = 0;
  virtual void fail(Error error) = 0;
};

// A run in progress. Destroying it ends the run.
class Running {
 public:
  virtual ~Running() = default;
  // Ends the instance at its next safe point; the reason arrives as the run's error.
  virtual void cancel(Error reason) = 0;
};

// The request's side of an exchange. Destroying it before the end cancels the guest; after
// HttpResponseSink::end the guest may go on within its limits, and nobody hears how it ends.
class HttpExchange : public Running {
 public:
  // Gives a chunk of the request's body. `taken` is called when the guest has room for more;
  // push one chunk at a time.
  virtual void push_body(Buffer chunk, std::function<void()> taken) = 0;
  virtual void end_body() = 0;
  // The client broke off: the guest's body stream ends with an error.
  virtual void abort_body() = 0;
};

}  // namespace quern::wasm
