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

  // A line in the log for whoever runs the guest, which itself hears less; for the first few only,
  // because a guest may try for ever. One call of an instance at a time, as for all here.
  void warn(std::string_view what);

  // The model behind a name that the guest used ("default" is its first), or permission_denied
  // naming the missing grant. `available` is asked for the default under `models = ["*"]`.
  Result<std::string> granted_model(std::string_view name, const ModelProvider& models) const;
  // The store behind a label, or permission_denied naming the missing grant.
  Result<store::Place> granted_store(std::string_view label) const;
  // Null when it is not granted.
  const std::string* config_value(std::string_view name) const;
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
  const std::map<std::string, std::string, std::less<>> config;
  HandleTable handles;
  // Shared with generations, which may outlive the instance by a moment.
  const std::shared_ptr<Account> account;
  // One call of an instance at a time: no lock.
  NnSession nn;

 private:
  const std::vector<std::string> models_;
  const std::vector<StoreGrant> stores_;
  const Bytes store_limit_;
  const Bytes graphs_;
  std::uint32_t warned_ = 0;
};

}  // namespace quern::guestapi
