// What host functions do with models that may take long: opening one may read gigabytes, and
// counting a long text must not queue behind that. Each goes to a lane when it would hold up a
// worker of the wasm engine.
#pragma once

#include "guestapi/guestapi.hpp"
#include "guestapi/lane.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace quern::guestapi {

class ModelWork {
 public:
  // All of them must outlive *this.
  ModelWork(ModelProvider& models, Lane& opening, Lane& counting)
      : models_(models), opening_(opening), counting_(counting) {}

  const ModelProvider& models() const { return models_; }

  // Hands the model to `use`: at once, or on a lane once it is loaded. resource_exhausted when too
  // many wait for that.
  using Use = std::function<void(Result<std::shared_ptr<inference::Model>>)>;
  Result<> open(const std::string& granted_name, Use use);

  // Runs `job`, on a lane when `text_bytes` is so much that a worker would be held up.
  Result<> count(std::uint64_t text_bytes, std::function<void()> job);

 private:
  ModelProvider& models_;
  Lane& opening_;
  Lane& counting_;
};

}  // namespace quern::guestapi
