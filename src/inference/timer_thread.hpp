// Calls functions at points in time, all on one thread of its own. The thread sleeps until the
// nearest one; an empty timer costs nothing.
//
// A TimerThread is owned by one thing and not by its calls (a thread cannot join itself); what a
// call needs to plan the next one is a TimerThread::Handle, which may outlive the timer.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

namespace quern::inference {

class TimerThread {
 public:
  using Clock = std::chrono::steady_clock;
  // What a call is told: its time has come, or the timer is going and the time never will.
  enum class Reason : std::uint8_t { due, shutting_down };
  using Call = std::function<void(Reason)>;

 private:
  struct Plan {
    std::mutex mutex;
    std::condition_variable_any changed;
    bool over = false;
    std::multimap<Clock::time_point, Call> calls;
  };

 public:
  class Handle {
   public:
    explicit Handle(std::shared_ptr<Plan> plan) : plan_(std::move(plan)) {}
    // Each call is made exactly once; equal times keep their order. After the timer's end it is
    // made at once, on this thread.
    void at(Clock::time_point when, Call call) const;

   private:
    std::shared_ptr<Plan> plan_;
  };

  TimerThread();
  ~TimerThread();
  TimerThread(const TimerThread&) = delete;
  TimerThread& operator=(const TimerThread&) = delete;

  Handle handle() const { return Handle(plan_); }

 private:
  static void run(Plan& plan, const std::stop_token& stop);

  std::shared_ptr<Plan> plan_ = std::make_shared<Plan>();
  std::jthread thread_;
};

}  // namespace quern::inference
