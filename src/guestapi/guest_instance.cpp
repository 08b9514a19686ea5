#include "guestapi/guest_instance.hpp"

#include "base/sha256.hpp"

#include <algorithm>
#include <set>

namespace quern::guestapi {
namespace {
constexpr std::string_view kEveryModel = "*";
constexpr std::string_view kDefault = "default";
}  // namespace

GuestInstance::GuestInstance(const Grants& grants, Guest guest)
    : tenant(std::move(guest.tenant)),
      request(guest.request),
      handles(grants.limits.handles),
      account(std::make_shared<Account>(grants.tokens, std::move(guest.meter))),
      models_(grants.models) {}

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
  return fail(ErrorKind::permission_denied,
              "using the model \"" + std::string(name) +
                  "\" is not granted; the manifest would need: models = [\"" + std::string(name) +
                  "\"]");
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
