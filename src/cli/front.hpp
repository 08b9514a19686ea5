// What stands between the listener and the app: a request under a name that is not this server's is
// refused, until the app is there a client is told to come back, /metrics is answered by the host
// itself, and /health too while something keeps the app from answering.
#pragma once

#include "apphost/apphost.hpp"
#include "cli/host_names.hpp"
#include "http/http.hpp"

#include <atomic>
#include <functional>
#include <string>

namespace quern::cli {

// What a front tells of the node behind it. Called on io threads, and never before open().
struct Insight {
  std::function<std::string()> metrics;  // the page
  std::function<std::string()> ailment;  // a JSON body for /health; empty: the app is well
};

class Front final : public http::Handler {
 public:
  // `keys` guard /metrics as they guard the app.
  Front(const apphost::ApiKeys& keys, HostNames names, Insight insight)
      : keys_(keys), names_(std::move(names)), insight_(std::move(insight)) {}

  // From now on requests go to `app`, which must outlive the server that calls this handler.
  void open(http::Handler& app) { app_.store(&app); }
  void handle(std::shared_ptr<http::Exchange> exchange) override;

 private:
  void answer_metrics(http::Exchange& exchange);
  std::string ailment_for(const http::RequestHead& request) const;

  const apphost::ApiKeys& keys_;
  const HostNames names_;
  const Insight insight_;
  std::atomic<http::Handler*> app_{nullptr};
};

}  // namespace quern::cli
