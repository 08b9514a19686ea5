#include "plugins/suspension.hpp"

#include <algorithm>

namespace quern::plugins {

using std::chrono::milliseconds;

bool Suspension::over() {
  const auto now = clock_.now();
  const bool is_over = state_.with([now](const State& state) { return now >= state.until; });
  if (is_over) suspended_.store(false, std::memory_order_relaxed);
  return is_over;
}

milliseconds Suspension::left() const {
  const auto until = state_.with([](const State& state) { return state.until; });
  return std::max(std::chrono::ceil<milliseconds>(until - clock_.now()), milliseconds(0));
}

void Suspension::succeeded() {
  if (spotless_.load(std::memory_order_relaxed)) return;
  state_.with([this](State& state) {
    state.traps = std::max(state.traps - 1, 0);
    if (++state.good < kGoodCalls) return;
    state = {};
    spotless_.store(true, std::memory_order_relaxed);
  });
}

milliseconds Suspension::failed(Loss loss) {
  spotless_.store(false, std::memory_order_relaxed);
  return state_.with([&](State& state) {
    state.good = 0;
    if (loss == Loss::time) {
      state.late += kOutOfTime;
    } else {
      ++state.traps;
    }
    return state.traps + state.late < kMost ? milliseconds(0) : begin(state);
  });
}

milliseconds Suspension::suspend() {
  spotless_.store(false, std::memory_order_relaxed);
  return state_.with([this](State& state) { return begin(state); });
}

milliseconds Suspension::begin(State& state) {
  state.pause = std::clamp(2 * state.pause, kFirstPause, kLongestPause);
  state.until = clock_.now() + state.pause;
  // After a pause it has one try, not ten, and one call out of time is then too many.
  state.late = std::min(state.late, kMost - kOutOfTime);
  state.traps = kMost - 1 - state.late;
  state.good = 0;
  suspended_.store(true, std::memory_order_relaxed);
  count_.fetch_add(1, std::memory_order_relaxed);
  return state.pause;
}

}  // namespace quern::plugins
