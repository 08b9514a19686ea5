// The models of an engine by their names. Internal to inference/.
#pragma once

#include "inference/inference.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace quern::inference {

// Of any thread.
class NamedModels {
 public:
  // In the place of one of this name.
  void put(std::string name, std::shared_ptr<Model> model) {
    const std::lock_guard lock(mutex_);
    models_.insert_or_assign(std::move(name), std::move(model));
  }
  Result<std::shared_ptr<Model>> find(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    const auto at = models_.find(name);
    if (at == models_.end()) {
      return fail(ErrorKind::not_found, "no model is called '" + std::string(name) + "'");
    }
    return at->second;
  }
  std::vector<ModelInfo> infos() const {
    std::vector<ModelInfo> infos;
    const std::lock_guard lock(mutex_);
    for (const auto& [name, model] : models_) infos.push_back(model->info());
    return infos;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Model>, std::less<>> models_;
};

}  // namespace quern::inference
