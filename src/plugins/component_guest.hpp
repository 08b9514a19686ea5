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

// Tokens of the model that the instances of one filter use, all of them together: those that were
// before as well.
struct SharedTokens {
  // `limit` 0: none.
  explicit SharedTokens(std::uint64_t limit)
      : account(guestapi::shared_account(limit, [used = used](const inference::Usage& usage) {
          *used += usage.prompt_tokens + usage.completion_tokens;
        })) {}

  // Shared with generations, which may outlive the filter by a moment.
  const std::shared_ptr<std::atomic<std::uint64_t>> used =
      std::make_shared<std::atomic<std::uint64_t>>(0);
  const std::shared_ptr<guestapi::Account> account;
};

// What the instances of one filter share.
struct ComponentPlace {
  std::shared_ptr<wasm::Linked> linked;
  const guestapi::GuestApi& api;
  ComponentOptions options;
  std::shared_ptr<wasm::OutputSink> output;
  SharedTokens tokens{options.grants.tokens};
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
