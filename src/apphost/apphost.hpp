// apphost: HTTP requests to guests.
//
// For:     serving a wasi:http component: one fresh instance per request, API keys, admission,
//          the end of a request when its client is gone, and the numbers of all this.
// Refuses: HTTP itself (http), and what a guest may import (guestapi).
// Owns:    an App owns its linked program and grants; requests in progress hold it alive.
// Threads: handle() runs on http's threads and never blocks.
// Errors:  before the guest: 401 (key), 503 (draining, too many); from the guest: trap 500,
//          limits 504 and 507, as small JSON bodies in OpenAI's form.
//
//     App app({...});  auto server = TRY(http::Server::listen(options, app));
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "guestapi/guestapi.hpp"
#include "http/http.hpp"
#include "wasm/wasm.hpp"

namespace quern::apphost {

// The keys that clients must show as "Authorization: Bearer KEY". Compared in constant time.
// Empty: no key is asked for.
class ApiKeys {
 public:
  // One key a line, "#" comments; a key may be followed by the tenant it stands for. The file must
  // not be readable by others. invalid_argument when it holds no key.
  static Result<ApiKeys> load(const std::filesystem::path& file);
  bool required() const { return !keys_.empty(); }
  // The tenant of the key in this header value, or permission_denied.
  Result<std::string> authorize(std::string_view authorization) const;

 private:
  struct Key {
    std::string secret;
    std::string tenant;
  };
  std::vector<Key> keys_;
};

struct AppOptions {
  std::string name;                          // in logs and metrics
  std::shared_ptr<wasm::Linked> program;     // must be an http handler
  guestapi::Grants grants;
  ApiKeys keys;
  std::vector<std::string> open_paths;       // answered without a key: "/", "/health", "/assets/*"
  std::uint32_t max_requests = 1000;         // in progress at once; more are 503
};

// A snapshot for /metrics and tests.
struct AppCounts {
  std::uint64_t requests = 0;
  std::uint64_t failed = 0;
  std::uint32_t in_progress = 0;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
};

class App final : public http::Handler {
 public:
  // `api` must outlive the App.
  App(AppOptions options, const guestapi::GuestApi& api);
  ~App() override;
  void handle(std::shared_ptr<http::Exchange> exchange) override;
  AppCounts counts() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace quern::apphost
