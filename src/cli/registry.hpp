// What the commands that speak to a registry share.
#pragma once

#include "base/network.hpp"
#include "cli/cli.hpp"
#include "cli/command.hpp"

#include "package/registry.hpp"

#include <memory>
#include <stop_token>

namespace quern::cli {

// One command's conversation: the network, docker's sign-ins, and Ctrl-C.
class RegistryCall {
 public:
  RegistryCall(RegistryChoice choice, World& world);

  // Borrows the call.
  Result<package::Registry> registry();
  std::stop_token stop() const { return interrupted_.get_token(); }

 private:
  RegistryChoice choice_;
  World& world_;
  const std::unique_ptr<Network> network_;
  std::stop_source interrupted_;
  OnSignal on_signal_;
};

}  // namespace quern::cli
