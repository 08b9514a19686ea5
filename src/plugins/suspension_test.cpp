#include "plugins/suspension.hpp"

#include "base/fakes.hpp"

#include <gtest/gtest.h>

namespace quern::plugins {
namespace {

using namespace std::chrono_literals;
using Loss = Suspension::Loss;

TEST(Suspension, PausesGrowToFiveMinutes) {
  ManualClock clock;
  Suspension suspension(clock);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(suspension.failed(Loss::instance), 0ms);
  EXPECT_TRUE(suspension.at_work());
  auto pause = suspension.failed(Loss::instance);
  EXPECT_EQ(pause, 1s);
  for (int i = 0; i < 12; ++i) {
    EXPECT_FALSE(suspension.at_work());
    EXPECT_EQ(suspension.left(), pause);
    clock.advance(pause);
    EXPECT_TRUE(suspension.at_work());
    const auto next = suspension.failed(Loss::instance);
    EXPECT_EQ(next, std::min<std::chrono::milliseconds>(2 * pause, 300s));
    pause = next;
  }
  EXPECT_EQ(pause, 300s);
}

void good_calls(Suspension& suspension, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) suspension.succeeded();
}

TEST(Suspension, GoodCallsAreRemembered) {
  ManualClock clock;
  Suspension suspension(clock);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(suspension.failed(Loss::instance), 0ms);
    suspension.succeeded();
  }
  for (int i = 0; i < 9; ++i) EXPECT_EQ(suspension.failed(Loss::instance), 0ms);
  EXPECT_EQ(suspension.failed(Loss::instance), 1s);
  clock.advance(1s);
  good_calls(suspension, Suspension::kGoodCalls);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(suspension.failed(Loss::instance), 0ms);
  EXPECT_EQ(suspension.failed(Loss::instance), 1s);  // forgotten: it begins again
}

TEST(Suspension, TwoTrapsForEachGoodCallAreTooMany) {
  ManualClock clock;
  Suspension suspension(clock);
  for (int i = 0; i < 30 && suspension.at_work(); ++i) {
    suspension.failed(Loss::instance);
    suspension.failed(Loss::instance);
    suspension.succeeded();
  }
  EXPECT_FALSE(suspension.at_work());
}

// One that loops on every second record, or on every hundredth: a few good calls do not make up for
// a second of the processor.
TEST(Suspension, GoodCallsBetweenDoNotExcuseThoseOutOfTime) {
  for (const std::uint32_t between : {1U, 5U, 100U, Suspension::kGoodCalls - 1}) {
    ManualClock clock;
    Suspension suspension(clock);
    const auto loop = [&] {
      good_calls(suspension, between);
      return suspension.failed(Loss::time);
    };
    EXPECT_EQ(loop(), 0ms);
    EXPECT_EQ(loop(), 0ms);
    auto pause = loop();
    EXPECT_EQ(pause, 1s) << between;
    for (int i = 0; i < 3; ++i) {  // one try a pause
      clock.advance(pause);
      EXPECT_TRUE(suspension.at_work());
      const auto next = loop();
      EXPECT_EQ(next, 2 * pause) << between;
      pause = next;
    }
    clock.advance(pause);
    good_calls(suspension, Suspension::kGoodCalls);
    EXPECT_EQ(suspension.failed(Loss::time), 0ms);
  }
}

}  // namespace
}  // namespace quern::plugins
