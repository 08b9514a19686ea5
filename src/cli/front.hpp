// What stands between the listener and the app: a request under a name that is not this server's is
// refused, until the app is there a client is told to come back, and /metrics is answered by the
// host itself.
#pragma once

#include "apphost/apphost.hpp"
#include "cli/host_names.hpp"
#include "http/http.hpp"

#include <atomic>
#include <functional>
#include <string>

namespace quern::cli {

class Front final : public http::Handler {
 public:
  // `keys` guard /metrics as they guard the app. `metrics` makes the page; called on io
  // threads, and never before open().
  Front(const apphost::ApiKeys& keys, HostNames names, std::function<std::string()> metrics)
      : keys_(keys), names_(std::move(names)), metrics_(std::move(metrics)) {}

  // From now on requests go to `app`, which must outlive the server that calls this handler.
  void open(http::Handler& app) { app_.store(&app); }
  void handle(std::shared_ptr<http::Exchange> exchange) override;

 private:
  void answer_metrics(http::Exchange& exchange);

  const apphost::ApiKeys& keys_;
  const HostNames names_;
  const std::function<std::string()> metrics_;
  std::atomic<http::Handler*> app_{nullptr};
};

}  // namespace quern::cli
