// Waiting that ends: every wait in Quern has a Deadline, a std::stop_token, or both.
#pragma once

#include "base/deadline.hpp"
#include "base/result.hpp"

#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace quern {

// Ok while there is time and nobody asked to stop; else cancelled or deadline_exceeded.
inline Result<> still_wanted(const std::stop_token& stop, Deadline deadline) {
  if (stop.stop_requested()) return fail(ErrorKind::cancelled, "cancelled");
  if (deadline.passed()) return fail(ErrorKind::deadline_exceeded, "the time for this is over");
  return {};
}

// Waits until `ready()` (called under the lock), the deadline or the stop. Ready wins over both.
template <class Ready>
Result<> wait_until(std::condition_variable_any& changed, std::unique_lock<std::mutex>& lock,
                    Deadline deadline, const std::stop_token& stop, Ready ready) {
  const bool is_ready = deadline.is_never()
                            ? changed.wait(lock, stop, ready)
                            : changed.wait_until(lock, stop, deadline.when(), ready);
  if (is_ready) return {};
  if (stop.stop_requested()) return fail(ErrorKind::cancelled, "cancelled while waiting");
  return fail(ErrorKind::deadline_exceeded, "waited as long as was allowed");
}

}  // namespace quern
