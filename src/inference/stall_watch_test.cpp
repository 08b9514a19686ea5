#include "inference/stall_watch.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace quern::inference {
namespace {

using namespace std::chrono_literals;

std::chrono::nanoseconds::rep now() {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

// What is logged while `model` is watched for a while.
std::string heard(const std::shared_ptr<Counters>& model) {
  testing::internal::CaptureStderr();
  {
    StallWatch watch(20ms);
    watch.add("smollm2", model);
    std::this_thread::sleep_for(200ms);
  }
  return testing::internal::GetCapturedStderr();
}

TEST(StallWatch, AStepThatDoesNotEndIsToldOnceAndNamesTheRequest) {
  const auto model = std::make_shared<Counters>();
  model->step_began = now();
  model->choosing_for = 12;
  model->in_flight = 3;
  const std::string log = heard(model);
  const auto at = log.find("[req 12] smollm2 has made no step for");
  ASSERT_NE(at, std::string::npos) << log;
  EXPECT_EQ(log.find("no step", at + 40), std::string::npos) << log;
  EXPECT_NE(log.find("3 requests are under way"), std::string::npos) << log;
}

TEST(StallWatch, TellsHowLongAStepLasts) {
  EXPECT_EQ(step_lasts(0), 0ms) << "none is under way";
  const auto minute_ago = now() - std::chrono::nanoseconds(60s).count();
  EXPECT_GE(step_lasts(minute_ago), 60s);
}

TEST(StallWatch, WhoHasNothingToDoIsLeftAlone) {
  EXPECT_EQ(heard(std::make_shared<Counters>()), "");
}

TEST(StallWatch, StepsThatEndAreNoNews) {
  const auto model = std::make_shared<Counters>();
  std::jthread steps([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      model->step_began = now();
      std::this_thread::sleep_for(1ms);
    }
  });
  testing::internal::CaptureStderr();
  {
    StallWatch watch(1s);
    watch.add("smollm2", model);
    std::this_thread::sleep_for(1500ms);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace quern::inference
