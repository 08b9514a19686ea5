// For tests: models for guests, without a command line that chooses and loads them.
#pragma once

#include "guestapi/guestapi.hpp"

namespace quern::guestapi {

// The models that an engine has loaded already. `engine` must outlive it.
class LoadedModels final : public ModelProvider {
 public:
  explicit LoadedModels(inference::Engine& engine) : engine_(engine) {}

  std::shared_ptr<inference::Model> loaded(std::string_view name) const override {
    auto found = engine_.find(name);
    return found.ok() ? *std::move(found) : nullptr;
  }
  Result<std::shared_ptr<inference::Model>> open(std::string_view name) override {
    return engine_.find(name);
  }
  std::vector<inference::ModelInfo> available() const override { return engine_.models(); }

 private:
  inference::Engine& engine_;
};

}  // namespace quern::guestapi
