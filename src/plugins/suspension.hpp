// When a plugin that fails again and again is left alone, and for how long. Internal to plugins/.
#pragma once

#include "base/clock.hpp"
#include "base/guarded.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>

namespace quern::plugins {

// Of any thread.
class Suspension {
 public:
  // So much, and it is out of work. A trap counts 1, which one good call takes back. A call out of
  // time counts 4 and costs more than many good ones: only kGoodCalls in a row take it back.
  static constexpr int kMost = 10;
  static constexpr int kOutOfTime = 4;
  static constexpr std::chrono::milliseconds kFirstPause{1000};
  static constexpr std::chrono::milliseconds kLongestPause{300'000};
  // So many calls without a fault, and all is forgotten: the next pause is the first again.
  static constexpr std::uint32_t kGoodCalls = 1000;

  explicit Suspension(const Clock& clock) : clock_(clock) {}

  // May the plugin be called now?
  bool at_work() { return !suspended_.load(std::memory_order_relaxed) || over(); }
  std::chrono::milliseconds left() const;
  void succeeded();
  // A call that cost the instance; how long the plugin is out of work from now on, 0: it is not.
  enum class Loss : std::uint8_t { instance, time };
  std::chrono::milliseconds failed(Loss loss);
  // It cannot even begin.
  std::chrono::milliseconds suspend();

  std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }

 private:
  struct State {
    int traps = 0;
    int late = 0;
    std::uint32_t good = 0;
    std::chrono::milliseconds pause{0};  // the last
    Clock::Time until;
  };
  bool over();
  std::chrono::milliseconds begin(State& state);

  const Clock& clock_;
  std::atomic<bool> suspended_ = false;
  std::atomic<bool> spotless_ = true;  // nothing to forget: succeeded() takes no lock
  std::atomic<std::uint64_t> count_ = 0;
  mutable Guarded<State> state_;
};

}  // namespace quern::plugins
