#include "base/clock.hpp"

#include "base/stop.hpp"

namespace quern {

Clock::Time SystemClock::now() const { return std::chrono::steady_clock::now(); }

std::chrono::system_clock::time_point SystemClock::date() const {
  return std::chrono::system_clock::now();
}

Result<> SystemClock::sleep(std::chrono::milliseconds time, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  Result<> waited = wait_until(never, lock, Deadline::in(time), stop, [] { return false; });
  if (!waited && waited.error().kind() == ErrorKind::deadline_exceeded) return {};
  return waited;
}

}  // namespace quern
