// What the stages of a pipeline that run guests or ask the model share, made when the first of them
// needs it.
#pragma once

#include "base/guarded.hpp"
#include "base/home.hpp"
#include "base/settings.hpp"
#include "cli/cli.hpp"
#include "cli/models.hpp"
#include "guestapi/guestapi.hpp"
#include "wasm/wasm.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace quern::cli {

// Of any thread. Outlives the stages.
class PipeGuests {
 public:
  explicit PipeGuests(World& world) : world_(world) {}
  PipeGuests(const PipeGuests&) = delete;
  PipeGuests& operator=(const PipeGuests&) = delete;
  // What is still downloading ends.
  ~PipeGuests() { models_.stop(); }

  // The table [model] of a pipeline's file, which lies in the folder `beside`. Once models load
  // it may not change any more, unless that failed: invalid_argument.
  Result<> read(Settings& file, const std::filesystem::path& beside);

  Result<wasm::Engine*> engine();
  // The models of [model] are there when this said ok; blocks while they load. What failed to load
  // is tried again. invalid_argument: the file has no such table; deadline_exceeded, cancelled:
  // they go on loading.
  Result<> need_models(Deadline deadline, const std::stop_token& stop);
  // Will there be one of this name? invalid_argument otherwise.
  Result<> check_model(std::string_view name) const;
  guestapi::ModelProvider& models() { return models_; }
  // Once engine() said ok.
  const guestapi::GuestApi& api() const { return *api_; }

 private:
  struct Model {
    ModelOptions options;
    std::string canonical;  // of the table; "": there is none
    bool started = false;
  };
  Result<const Home*> home();

  World& world_;
  Models models_;
  Guarded<Model> model_;
  std::mutex making_;
  std::optional<Home> home_;  // these three are made under the mutex, once
  std::unique_ptr<guestapi::GuestApi> api_;
  std::unique_ptr<wasm::Engine> engine_;
};

}  // namespace quern::cli
