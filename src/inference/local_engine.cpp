#include "inference/backends.hpp"
#include "inference/local_model.hpp"
#include "inference/named_models.hpp"
#include "inference/stall_watch.hpp"

#include <algorithm>
#include <mutex>

namespace quern::inference {
namespace {

class LocalEngine final : public Engine {
 public:
  explicit LocalEngine(EngineOptions options) : options_(options) {}

  Result<std::shared_ptr<Model>> load(ModelSource source) override {
    const std::lock_guard one_at_a_time(loading_);
    if (find(source.name).ok()) {
      return fail(ErrorKind::already_exists, "a model called '" + source.name + "' is loaded");
    }
    auto model = TRY(LocalModel::load(source, options_));
    watch_.add(source.name, model->counters());
    models_.put(source.name, model);
    return model;
  }

  Result<std::shared_ptr<Model>> find(std::string_view name) const override {
    return models_.find(name);
  }

  std::vector<ModelInfo> models() const override { return models_.infos(); }

  std::string device() const override {
    return backend_name() + ", " + std::to_string(options_.threads) +
           (options_.threads == 1 ? " thread" : " threads");
  }

 private:
  const EngineOptions options_;
  std::mutex loading_;
  NamedModels models_;
  StallWatch watch_;
};

}  // namespace

// Of the source that deps/llama/source.txt pins, which does not tell it to its own build.
LibraryVersion library_version() { return {.build = 0, .commit = "0c1e57098"}; }

Result<std::unique_ptr<Engine>> Engine::create_local(EngineOptions options) {
  TRY(load_backends());
  if (options.threads == 0) options.threads = usable_processors();
  options.threads = std::min(options.threads, 512U);
  options.max_running = std::clamp(options.max_running, 1U, 64U);
  return std::unique_ptr<Engine>(std::make_unique<LocalEngine>(options));
}

}  // namespace quern::inference
