#include "plugins/suspension.hpp"

#include "base/fakes.hpp"

#include <gtest/gtest.h>

namespace quern::plugins {
namespace {

using namespace std::chrono_literals;

TEST(Suspension, PausesGrowToFiveMinutes) {
  ManualClock clock;
  Suspension suspension(clock);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(suspension.failed(1), 0ms);
  EXPECT_TRUE(suspension.at_work());
  auto pause = suspension.failed(1);
  EXPECT_EQ(pause, 1s);
  for (int i = 0; i < 12; ++i) {
    EXPECT_FALSE(suspension.at_work());
    EXPECT_EQ(suspension.left(), pause);
    clock.advance(pause);
    EXPECT_TRUE(suspension.at_work());
    const auto next = suspension.failed(1);
    EXPECT_EQ(next, std::min<std::chrono::milliseconds>(2 * pause, 300s));
    pause = next;
  }
  EXPECT_EQ(pause, 300s);
}

TEST(Suspension, GoodCallsAreRemembered) {
  ManualClock clock;
  Suspension suspension(clock);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(suspension.failed(Suspension::kOutOfTime), 0ms);
    suspension.succeeded();
  }
  EXPECT_EQ(suspension.failed(10), 1s);
  clock.advance(1s);
  for (std::uint32_t i = 0; i < Suspension::kGoodCalls; ++i) suspension.succeeded();
  EXPECT_EQ(suspension.failed(10), 1s);  // forgotten: it begins again
}

}  // namespace
}  // namespace quern::plugins
