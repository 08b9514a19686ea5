// One instance of a component that exports quern:log/filter. Internal to plugins/.
#pragma once

#include "guestapi/guestapi.hpp"
#include "wasm/wasm.hpp"

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quern::plugins {

struct ComponentOptions {
  std::string name;  // of the stage, for the log
  guestapi::Grants grants;
  // For `configure`, in the order of their names.
  std::vector<std::pair<std::string, std::string>> config;
};

// What the instances of one filter share.
struct ComponentPlace {
  std::shared_ptr<wasm::Linked> linked;
  const guestapi::GuestApi& api;
  ComponentOptions options;
  std::shared_ptr<wasm::OutputSink> output;
  // Tokens of the model, by all of them together.
  std::shared_ptr<std::atomic<std::uint64_t>> tokens =
      std::make_shared<std::atomic<std::uint64_t>>(0);
};

// Of one thread at a time.
class ComponentGuest {
 public:
  // unsupported: it exports no such interface; invalid_argument: what `configure` says, or one of
  // another version; and what ends a guest.
  static Result<std::unique_ptr<ComponentGuest>> begin(const ComponentPlace& place);

  // Arguments as write_events() makes them. After an error this guest may only be destroyed.
  Result<Buffer> process(std::string_view arguments);

 private:
  ComponentGuest() = default;
  Result<> configure(const ComponentOptions& options);

  std::unique_ptr<wasm::ResidentComponent> resident_;
  wasm::ResidentComponent::Function process_{};
};

}  // namespace quern::plugins
