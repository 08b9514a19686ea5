// A point in time by which an answer must be there. Passed along by value; no call in Quern waits
// without one (or without a std::stop_token).
#pragma once

#include <algorithm>
#include <chrono>

namespace quern {

class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  static Deadline never() { return Deadline(Clock::time_point::max()); }
  static Deadline at(Clock::time_point when) { return Deadline(when); }
  // Saturates: an enormous duration means never.
  static Deadline in(std::chrono::milliseconds wait) {
    const auto now = Clock::now();
    // In milliseconds: the clock's finer unit would overflow where `wait` is converted to it.
    const auto room =
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::time_point::max() - now);
    return wait >= room ? never() : Deadline(now + wait);
  }

  Clock::time_point when() const { return when_; }
  bool is_never() const { return when_ == Clock::time_point::max(); }
  bool passed() const { return !is_never() && Clock::now() >= when_; }
  // Zero when passed; the largest duration when never.
  std::chrono::milliseconds left() const {
    if (is_never()) return std::chrono::milliseconds::max();
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(when_ - Clock::now());
    return std::max(left, std::chrono::milliseconds::zero());
  }
  Deadline earlier(Deadline other) const { return Deadline(std::min(when_, other.when_)); }

 private:
  explicit Deadline(Clock::time_point when) : when_(when) {}
  Clock::time_point when_;
};

}  // namespace quern
