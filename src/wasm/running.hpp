// A run as C++ holds it. Internal to wasm/.
#pragma once

#include "wasm/bridge_values.hpp"
#include "wasm/instance.hpp"
#include "wasm/wasm.hpp"

#include <functional>
#include <memory>

namespace quern::wasm {

// A run's `void*`: told once, then deleted.
using RunDone = std::function<void(Result<Invoked>)>;

// Null after a panic in the bridge, which has told the end already: then there is nothing to do.
class BridgeRunning final : public Running {
 public:
  explicit BridgeRunning(qb_running* running) : running_(running) {}
  void cancel(Error reason) override {
    if (running_ == nullptr) return;
    const std::string message = reason.describe();
    qb_running_cancel(running_.get(), kind_code(reason.kind()), borrow(message));
  }

 private:
  struct Free {
    void operator()(qb_running* running) const noexcept { qb_running_free(running); }
  };
  std::unique_ptr<qb_running, Free> running_;
};

inline SandboxView view_of(Sandbox sandbox) {
  return SandboxView(std::make_unique<Instance>(std::move(sandbox)));
}

}  // namespace quern::wasm
