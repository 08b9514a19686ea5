// apphost: HTTP requests to guests.
//
// For:     serving a wasi:http component: one fresh instance per request, API keys, admission,
//          the end of a request when its client is gone, and the numbers of all this.
// Refuses: HTTP itself (http), and what a guest may import (guestapi).
// Owns:    an App owns its linked program and grants; requests in progress hold them alive.
// Threads: handle() runs on http's threads and never blocks. Bodies are passed on chunk by chunk
//          and never collected.
// Errors:  before the guest: 401 (key), 503 (too many requests or bytes at once); from the guest:
//          trap 500, limits 504 and 507, as small JSON bodies in OpenAI's form. Every response that
//          an App gives has x-request-id; every failed request is one line in the log under that
//          id. What http answers in an App's place (400, 408, 413, 431) has none.
//
//     App app({...}, api);  auto server = TRY(http::Server::listen(options, app));
#pragma once

#include "base/bytes.hpp"
#include "base/files.hpp"
#include "base/result.hpp"
#include "guestapi/guestapi.hpp"
#include "http/http.hpp"
#include "wasm/wasm.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quern::apphost {

// The keys that clients must show as "Authorization: Bearer KEY". Empty: no key is asked for.
class ApiKeys {
 public:
  // One key a line, "#" comments; a key may be followed by the tenant it stands for, otherwise it
  // is a tenant of its own. The file must not be open to others. invalid_argument when it holds no
  // key or a malformed line (named by number, never by content).
  static Result<ApiKeys> load(const std::filesystem::path& file, Files& files);
  bool required() const { return !keys_.empty(); }
  // The tenant of the key in this header value, or permission_denied. The time it takes tells
  // nothing about the keys: what is compared are digests, all of each, with every one.
  Result<std::string> authorize(std::string_view authorization) const;

 private:
  struct Key {
    std::string digest;
    std::string tenant;
  };
  std::vector<Key> keys_;
};

struct AppOptions {
  std::string name;                       // in logs and metrics
  std::shared_ptr<wasm::Linked> program;  // must be an http handler
  guestapi::Grants grants;
  ApiKeys keys;
  // Answered without a key: "/", "/assets/*", or for one method "OPTIONS /v1/*" (browsers ask that
  // without a key). A path with "..", "//", "\" or "%" needs one always, because the guest may
  // read it as another path.
  std::vector<std::string> open_paths;
  std::uint32_t max_requests = 1000;  // in progress at once; more are 503
  // Besides those, of requests to open paths without a body, which can be neither slow nor costly:
  // /health answers while the others wait. 503 beyond.
  std::uint32_t spare_requests = 16;
  // Bodies of the requests whose instances live, together: as long as content-length says, else as
  // long as they came. More are 503. A chat costs about six times its body.
  Bytes max_body_bytes = 256_MiB;
  // Each exchange in a file of its own, whose name begins so; absent: none is recorded.
  std::optional<wasm::Recording> record;
};

// A snapshot for /metrics and tests.
struct AppCounts {
  std::uint64_t requests = 0;
  std::uint64_t refused = 0;    // of those, before a guest: no key, too many
  std::uint64_t failed = 0;     // of those, by the guest: no response, or a broken one
  std::uint64_t abandoned = 0;  // of those, by the client
  std::uint32_t in_progress = 0;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
};

class App final : public http::Handler {
 public:
  // `api` must outlive the App and its requests.
  App(AppOptions options, const guestapi::GuestApi& api);
  ~App() override;
  void handle(std::shared_ptr<http::Exchange> exchange) override;
  AppCounts counts() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with requests in progress
};

}  // namespace quern::apphost
