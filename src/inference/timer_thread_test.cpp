#include "inference/timer_thread.hpp"

#include <gtest/gtest.h>

#include <future>
#include <vector>

namespace quern::inference {
namespace {

using std::chrono::milliseconds;
using Clock = TimerThread::Clock;
using Reason = TimerThread::Reason;

TEST(TimerThread, CallsInTheOrderOfTime) {
  TimerThread timer;
  std::vector<int> order;
  std::promise<void> all;
  const auto now = Clock::now();
  timer.handle().at(now + milliseconds(20), [&](Reason) {
    order.push_back(2);
    all.set_value();
  });
  timer.handle().at(now + milliseconds(5), [&](Reason) { order.push_back(1); });
  all.get_future().wait();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  EXPECT_GE(Clock::now(), now + milliseconds(20));
}

TEST(TimerThread, TellsWhatIsLeftThatItGoes) {
  std::vector<Reason> reasons;
  const auto note = [&](Reason reason) { reasons.push_back(reason); };
  auto timer = std::make_unique<TimerThread>();
  const auto handle = timer->handle();
  handle.at(Clock::now() + std::chrono::hours(1), note);
  timer.reset();
  handle.at(Clock::now(), note);
  EXPECT_EQ(reasons, (std::vector<Reason>{Reason::shutting_down, Reason::shutting_down}));
}

}  // namespace
}  // namespace quern::inference
