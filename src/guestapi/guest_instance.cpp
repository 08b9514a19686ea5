#include "guestapi/guest_instance.hpp"

#include "base/log.hpp"
#include "base/sha256.hpp"

#include <algorithm>
#include <set>

namespace quern::guestapi {
namespace {
constexpr std::string_view kEveryModel = "*";
constexpr std::string_view kDefault = "default";
constexpr std::uint32_t kMostWarnings = 16;
constexpr std::size_t kLongestLine = 512;
constexpr std::size_t kLongestTold = 64;  // of what a guest wrote

Failure not_granted(std::string_view name) {
  return fail(ErrorKind::permission_denied,
              "using the model \"" + std::string(name) +
                  "\" is not granted; the manifest would need: models = [\"" + std::string(name) +
                  "\"]");
}

}  // namespace

GuestInstance::GuestInstance(const Grants& grants, Guest guest)
    : tenant(std::move(guest.tenant)),
      request(guest.request),
      config(grants.config),
      handles(grants.limits.handles),
      account(guest.account != nullptr ? std::move(guest.account)
                                       : shared_account(grants.tokens, std::move(guest.meter))),
      models_(grants.models),
      stores_(grants.stores),
      store_limit_(grants.store_limit),
      graphs_(grants.graphs) {}

GuestInstance::~GuestInstance() { handles.close(); }

Result<std::string> GuestInstance::granted_model(std::string_view name,
                                                 const ModelProvider& models) const {
  const auto grants = [&](std::string_view model) {
    return std::find(models_.begin(), models_.end(), model) != models_.end();
  };
  if (grants(name)) return std::string(name);
  // Weights of exactly this digest, whatever name they are granted under.
  if (is_digest(name)) {
    for (const inference::ModelInfo& info : granted_models(models)) {
      if (info.digest == name) return info.name;
    }
  }
  if (name == kDefault && !models_.empty()) {
    if (models_.front() != kEveryModel) return models_.front();
    const auto here = models.available();
    if (here.empty()) return fail(ErrorKind::not_found, "no model is here");
    return here.front().name;
  }
  if (grants(kEveryModel)) return std::string(name);
  return not_granted(name);
}

Result<> GuestInstance::check_granted(std::string_view name) const {
  for (const std::string& grant : models_) {
    if (grant == name || grant == kEveryModel) return {};
  }
  return not_granted(name);
}

Result<> GuestInstance::hold_graph(NnHeld& held, std::size_t bytes) const {
  if (held.resize(bytes, graphs_.count)) return {};
  const std::size_t together = nn.graph_bytes + bytes;
  return fail(ErrorKind::permission_denied,
              "bringing a graph of " + to_string(Bytes{bytes}) +
                  " is not granted; the manifest would need: graphs = \"" +
                  std::to_string((together >> 20U) + 1) + "MiB\"");
}

Result<store::Place> GuestInstance::granted_store(std::string_view label) const {
  for (const StoreGrant& grant : stores_) {
    if (grant.label != label) continue;
    store::Place place = grant.place;
    place.limit = store_limit_;
    return place;
  }
  const std::string name(label.substr(0, kLongestTold));
  return fail(ErrorKind::permission_denied,
              "opening the store \"" + name +
                  "\" is not granted; the manifest would need: [stores] \"" + name +
                  "\" = \"NAME\"");
}

const std::string* GuestInstance::config_value(std::string_view name) const {
  const auto found = config.find(name);
  return found == config.end() ? nullptr : &found->second;
}

void GuestInstance::warn(std::string_view what) {
  if (warned_ == kMostWarnings) return;
  std::string line = request == 0 ? "" : "[req " + std::to_string(request) + "] ";
  line.append(what.substr(0, kLongestLine));
  if (++warned_ == kMostWarnings) line += " (further failures of this guest are not logged)";
  log::warn("guestapi", line);
}

inference::Caller GuestInstance::caller(std::optional<std::chrono::milliseconds> timeout) const {
  return {.tenant = tenant,
          .deadline = timeout ? Deadline::in(*timeout) : Deadline::never(),
          .request = request};
}

std::vector<inference::ModelInfo> GuestInstance::granted_models(const ModelProvider& models) const {
  const std::vector<inference::ModelInfo> here = models.available();
  std::vector<inference::ModelInfo> granted;
  std::set<std::string_view> seen;
  for (const std::string& grant : models_) {
    for (const inference::ModelInfo& info : here) {
      if ((grant == kEveryModel || grant == info.name) && seen.insert(info.name).second) {
        granted.push_back(info);
      }
    }
  }
  return granted;
}

}  // namespace quern::guestapi
