// What one guest has of the host: its heap, and what it prints. Internal to plugins/.
#pragma once

#include "base/log.hpp"
#include "wasm/sandbox.hpp"

#include "plugins/guest_heap.hpp"

#include <chrono>
#include <mutex>
#include <string>
#include <utility>

namespace quern::plugins {

// Output of a guest, line by line in the log: at most ten lines a second of 1 KiB each, and how
// many there were besides.
class EnvState final : public wasm::InstanceState, public wasm::OutputSink {
 public:
  explicit EnvState(std::string name) : name_(std::move(name)) {}

  void write(ByteView bytes) override;

  GuestHeap heap;
  bool used = false;     // the guest allocates here itself
  bool refused = false;  // it was given no block since this was last set back

 private:
  static constexpr std::size_t kLongestLine = 1024;
  static constexpr int kLinesASecond = 10;
  using Clock = std::chrono::steady_clock;

  // Under the lock.
  void append(std::string_view part);
  std::string take_line();
  void skip_lines(std::string_view& rest);

  const std::string name_;
  std::mutex mutex_;  // a fiber may print on another thread than the one before
  std::string line_;
  Clock::time_point second_;
  int told_ = 0;
  std::uint64_t untold_ = 0;
};

}  // namespace quern::plugins
