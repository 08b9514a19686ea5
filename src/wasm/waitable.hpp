// The one implementation of Waitable: a flag of the bridge. Internal to wasm/.
#pragma once

#include "wasm/bridge/bridge.h"
#include "wasm/host.hpp"

#include <memory>

namespace quern::wasm {

class BridgeWaitable final : public Waitable {
 public:
  BridgeWaitable() : handle_(qb_waitable_new()) {}
  void set(bool ready) override { qb_waitable_set(handle_.get(), ready); }
  qb_waitable* handle() const { return handle_.get(); }

 private:
  struct Free {
    void operator()(qb_waitable* waitable) const noexcept { qb_waitable_free(waitable); }
  };
  std::unique_ptr<qb_waitable, Free> handle_;
};

}  // namespace quern::wasm
