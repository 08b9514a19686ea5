#include "inference/timer_thread.hpp"

#include "base/process.hpp"

#include <utility>

namespace quern::inference {

TimerThread::TimerThread()
    : thread_([plan = plan_](const std::stop_token& stop) {
        name_this_thread("quern-timer");
        run(*plan, stop);
      }) {}

TimerThread::~TimerThread() {
  thread_.request_stop();
  thread_.join();
  decltype(plan_->calls) left;
  {
    const std::lock_guard lock(plan_->mutex);
    plan_->over = true;
    left.swap(plan_->calls);
  }
  for (const auto& [when, call] : left) call(Reason::shutting_down);
}

void TimerThread::Handle::at(Clock::time_point when, Call call) const {
  {
    const std::lock_guard lock(plan_->mutex);
    if (!plan_->over) {
      plan_->calls.emplace(when, std::move(call));
      plan_->changed.notify_one();
      return;
    }
  }
  call(Reason::shutting_down);
}

void TimerThread::run(Plan& plan, const std::stop_token& stop) {
  std::unique_lock lock(plan.mutex);
  while (!stop.stop_requested()) {
    if (plan.calls.empty()) {
      plan.changed.wait(lock, stop, [&plan] { return !plan.calls.empty(); });
      continue;
    }
    const auto first = plan.calls.begin();
    const auto when = first->first;
    if (Clock::now() < when) {
      plan.changed.wait_until(lock, stop, when,
                              [&plan, when] { return plan.calls.begin()->first < when; });
      continue;
    }
    const Call call = std::move(first->second);
    plan.calls.erase(first);
    lock.unlock();
    call(Reason::due);
    lock.lock();
  }
}

}  // namespace quern::inference
