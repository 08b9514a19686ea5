// The host's side of one instance: what it may use, what it has open, what it has used.
#pragma once

#include "guestapi/account.hpp"
#include "guestapi/guestapi.hpp"
#include "guestapi/handle_table.hpp"
#include "guestapi/nn_session.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quern::guestapi {

class GuestInstance final : public wasm::InstanceState {
 public:
  GuestInstance(const Grants& grants, Guest guest);
  ~GuestInstance() override;
  void ended() override { handles.close(); }

  // The model behind a name that the guest used ("default" is its first), or permission_denied
  // naming the missing grant. `available` is asked for the default under `models = ["*"]`.
  Result<std::string> granted_model(std::string_view name, const ModelProvider& models) const;
  // Ok when a graph of this very name was granted; else permission_denied, naming the grant.
  Result<> check_granted(std::string_view name) const;
  // Counts a graph that the guest brings itself. permission_denied, naming the grant, when that is
  // more than it may.
  Result<> hold_graph(NnHeld& held, std::size_t bytes) const;
  // On whose behalf the model works, and for how long.
  inference::Caller caller(std::optional<std::chrono::milliseconds> timeout = {}) const;
  // The granted ones that are here, in the order of the grants.
  std::vector<inference::ModelInfo> granted_models(const ModelProvider& models) const;

  const std::string tenant;
  const std::uint64_t request;
  HandleTable handles;
  // Shared with generations, which may outlive the instance by a moment.
  const std::shared_ptr<Account> account;
  // One call of an instance at a time: no lock.
  NnSession nn;

 private:
  const std::vector<std::string> models_;
  const Bytes graphs_;
};

}  // namespace quern::guestapi
