// The models of this process: loaded on a thread of their own while everything else comes up.
#pragma once

#include "cli/weights.hpp"
#include "guestapi/guestapi.hpp"
#include "inference/inference.hpp"

#include <condition_variable>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <thread>

namespace quern::cli {

// Loads once, in the order asked for; a preload when somebody opens it. A guest that opens a model
// too early waits in open(), which guestapi calls on a thread that may wait.
class Models final : public guestapi::ModelProvider {
 public:
  Models() = default;
  // Ends the loading thread; models live on while somebody holds them.
  ~Models() override;

  // Begins: chooses, downloads what is missing, loads; anew after failed(). `home` and `world` must
  // outlive *this. Of one thread at a time.
  // `here`: weights that were found already, which are asked for by their digest.
  void start(ModelOptions options, const Home& home, World& world,
             std::optional<loader::Found> here = {});
  // Ends downloads and loads that are under way, as soon as they look.
  void stop() { thread_.request_stop(); }
  // Waits until all are loaded; the first failure otherwise. What loads goes on after the deadline.
  Result<> wait(const std::stop_token& stop, Deadline deadline = Deadline::never());
  // It ended without all of them: start() may be called again.
  bool failed() const;
  // Another one, now; blocks. Only after wait() said ok.
  Result<std::shared_ptr<inference::Model>> add(const std::string& reference, const Home& home,
                                                World& world, const std::stop_token& stop);
  // Names that will be there, known once wait() said ok; without those of preloads.
  std::vector<std::string> names() const;
  // Why the default was chosen; empty when the user named it.
  std::string reason() const;
  // "cascadelake, 2 threads"; empty before the engine is there.
  std::string device() const;
  std::vector<std::shared_ptr<inference::Model>> all() const;

  std::shared_ptr<inference::Model> loaded(std::string_view name) const override;
  Result<std::shared_ptr<inference::Model>> open(std::string_view name) override;
  std::vector<inference::ModelInfo> available() const override;

 private:
  // Where a preload's weights come from.
  struct Source {
    const Home* home;
    World* world;
    std::vector<Preload> preloads;
  };
  struct State {
    std::unique_ptr<inference::Engine> engine;
    std::map<std::string, std::shared_ptr<inference::Model>, std::less<>> by_path;
    std::vector<std::shared_ptr<inference::Model>> models;
    std::string reason;
    std::optional<Result<>> outcome;
  };
  Result<> load(const ModelOptions& options, const Home& home, World& world,
                const std::optional<loader::Found>& here, const std::stop_token& stop);
  // The preload of this name or path, loaded now if it was not; null when there is none.
  Result<std::shared_ptr<inference::Model>> open_preload(std::string_view name);
  Result<> load_fake(const std::filesystem::path& script, World& world);

  std::optional<Source> source_;  // set by start()
  Guarded<State> state_;
  mutable std::condition_variable_any changed_;
  std::jthread thread_;
};

inference::EngineOptions engine_options(const ModelOptions& options);

}  // namespace quern::cli
