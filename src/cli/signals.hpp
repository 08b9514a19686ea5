// SIGINT, SIGTERM and SIGHUP as calls on an ordinary thread, where anything may be done.
#pragma once

#include "base/guarded.hpp"
#include "base/unique_fd.hpp"

#include <functional>
#include <memory>
#include <stop_token>
#include <thread>
#include <vector>

namespace quern::cli {

// The exit code that a shell gives to whoever a signal ended.
constexpr int ended_by(int signal) { return 128 + signal; }

// What a signal does while this lives; then what it did before.
class [[nodiscard]] OnSignal {
 public:
  explicit OnSignal(std::function<void()> leave) : leave_(std::move(leave)) {}
  OnSignal(OnSignal&&) = delete;
  ~OnSignal() { leave_(); }

 private:
  std::function<void()> leave_;
};

class Signals {
 public:
  using Handler = std::function<void(int signal)>;

  // Blocks the signals in this thread and so in all it starts, and ignores SIGPIPE: make it first
  // of all. Until somebody is interested, a signal ends the process at once.
  Signals();
  ~Signals();

  // Called on the signals' thread; the newest one that lives gets the signal.
  OnSignal on_signal(Handler handler);
  // As if the signal had come; for tests.
  void deliver(int signal);

 private:
  void read_signals(const std::stop_token& stop);

  Guarded<std::vector<std::shared_ptr<Handler>>> handlers_;
  UniqueFd signals_;
  UniqueFd wake_;
  std::jthread thread_;
};

}  // namespace quern::cli
