// What goes wrong with peers, as lines of the log: few, however many they are.
#pragma once

#include "base/guarded.hpp"
#include "base/log.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace quern::inputs {

// Of any thread.
class Notice {
 public:
  explicit Notice(std::string input) : input_(std::move(input)) {}

  // At most one in ten seconds is written, with how many were not.
  void say(std::string_view what) {
    const auto now = std::chrono::steady_clock::now();
    std::uint64_t others = 0;
    const bool write = state_.with([&](State& state) {
      if (now < state.next) {
        ++state.others;
        return false;
      }
      state.next = now + std::chrono::seconds(10);
      others = std::exchange(state.others, 0);
      return true;
    });
    if (!write) return;
    const std::string more =
        others == 0 ? "" : " (and " + std::to_string(others) + " more since the last such line)";
    log::warn("inputs", input_ + ": " + std::string(what) + more);
  }

 private:
  struct State {
    std::chrono::steady_clock::time_point next{};
    std::uint64_t others = 0;
  };
  const std::string input_;
  Guarded<State> state_;
};

}  // namespace quern::inputs
