// For run() of inputs whose work is done by other threads.
#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace quern::inputs {

inline void wait_for(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait(lock, stop, [] { return false; });
}

}  // namespace quern::inputs
