// The host's functions as the bridge names them: by index. Internal to wasm/.
#pragma once

#include "wasm/bridge/bridge.h"
#include "wasm/host.hpp"

#include <memory>
#include <vector>

namespace quern::wasm {

// Given to the bridge as qb_host::host, which drops it through host_drop.
class HostTable {
 public:
  explicit HostTable(const HostImports& imports);

  // The description of `table`, which the bridge takes with it.
  struct Description {
    std::vector<qb_interface_item> items;
    std::vector<qb_raw_item> raw;
    std::vector<qb_pair> advice;
  };
  Description describe() const;

  // Exactly one of the two is set.
  struct Item {
    std::string interface_name;
    std::string name;
    HostFunction function;
    std::function<void(InstanceState*, std::uint32_t)> drop;
  };
  const Item& item(std::uint32_t index) const { return items_[index]; }
  const RawFunction& raw(std::uint32_t index) const { return raw_[index]; }

 private:
  std::vector<Item> items_;
  std::vector<RawFunction> raw_;
  std::vector<ImportAdvice> advice_;
};

// Fills the callbacks host_*.
void set_host_callbacks(qb_callbacks& callbacks);

}  // namespace quern::wasm
