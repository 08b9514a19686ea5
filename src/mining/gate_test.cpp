#include "mining/gate.hpp"

#include <gtest/gtest.h>

namespace quern::mining {
namespace {

using namespace std::chrono_literals;

Reasons judge(Gate& gate, TemplateId id, std::chrono::seconds time,
              Severity severity = Severity::error, std::vector<std::string_view> parameters = {}) {
  return gate.judge(
      {.seen = {.id = id}, .parameters = parameters, .severity = severity, .time = time});
}

TEST(Gate, ABadTemplatePassesOnce) {
  Gate gate;
  EXPECT_TRUE(judge(gate, 1, 0s).new_template);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(judge(gate, 1, std::chrono::seconds(i)).any());
  EXPECT_FALSE(judge(gate, 2, 0s, Severity::info).any());
}

TEST(Gate, AKnownTemplateThatIsWorseThanEverPasses) {
  Gate gate;
  EXPECT_FALSE(judge(gate, 1, 0s, Severity::info).any());
  EXPECT_TRUE(judge(gate, 1, 1s, Severity::critical).severity);
  EXPECT_FALSE(judge(gate, 1, 2s, Severity::error).any());
}

TEST(Gate, ARateThatRisesPassesOnceAWindow) {
  Gate gate;
  int passed = 0;
  for (int second = 0; second < 600; second += 6)
    passed += judge(gate, 1, std::chrono::seconds(second)).rate ? 1 : 0;
  EXPECT_EQ(passed, 0) << "ten a window is usual";
  for (int i = 0; i < 100; ++i) passed += judge(gate, 1, 601s).rate ? 1 : 0;
  EXPECT_EQ(passed, 1);
  for (int i = 0; i < 100; ++i) passed += judge(gate, 1, 661s).rate ? 1 : 0;
  EXPECT_EQ(passed, 2) << "twice is not usual yet";
}

TEST(Gate, WhatIsRareMayComeTwice) {
  Gate gate;
  for (int hour = 0; hour < 20; ++hour) EXPECT_FALSE(judge(gate, 1, std::chrono::hours(hour)).rate);
  EXPECT_FALSE(judge(gate, 1, 19h).rate);
}

TEST(Gate, AClockThatGoesBackIsNow) {
  Gate gate;
  (void)judge(gate, 1, 1000s);
  EXPECT_FALSE(judge(gate, 1, 0s).rate);
  EXPECT_FALSE(judge(gate, 1, std::chrono::seconds::max()).rate);
}

TEST(Gate, ANumberOfAnotherSizePasses) {
  Gate gate;
  for (int i = 0; i < 300; ++i) {
    const std::string took = std::to_string(10 + i % 7);
    EXPECT_FALSE(judge(gate, 1, 0s, Severity::info, {took}).any());
  }
  EXPECT_FALSE(judge(gate, 1, 0s, Severity::info, {"40"}).parameter);
  EXPECT_TRUE(judge(gate, 1, 0s, Severity::info, {"90000"}).parameter);
}

TEST(Gate, ANumberMayHaveAUnit) {
  Gate gate;
  for (int i = 0; i < 300; ++i) {
    const std::string took = std::to_string(10 + i % 70) + " ms";
    EXPECT_FALSE(judge(gate, 1, 0s, Severity::info, {took}).any());
  }
  EXPECT_TRUE(judge(gate, 1, 0s, Severity::info, {"9000000 ms"}).parameter);
}

TEST(Gate, AWordWhereThereWereFewPasses) {
  Gate gate;
  for (int i = 0; i < 300; ++i) {
    EXPECT_FALSE(judge(gate, 1, 0s, Severity::info, {i % 2 == 0 ? "/a" : "/b"}).any());
    EXPECT_FALSE(judge(gate, 2, 0s, Severity::info, {std::to_string(i) + "x"}).any());
  }
  EXPECT_TRUE(judge(gate, 1, 0s, Severity::info, {"/c"}).parameter);
  EXPECT_FALSE(judge(gate, 1, 0s, Severity::info, {"/c"}).parameter);
  EXPECT_FALSE(judge(gate, 2, 0s, Severity::info, {"other"}).parameter)
      << "all of them are different";
}

TEST(Gate, ATemplateThatGetsAHoleMoreIsLearnedAnew) {
  Gate gate;
  for (int i = 0; i < 300; ++i) EXPECT_FALSE(judge(gate, 1, 0s, Severity::info, {"12"}).any());
  EXPECT_FALSE(judge(gate, 1, 0s, Severity::info, {"eth0", "12"}).any());
}

}  // namespace
}  // namespace quern::mining
