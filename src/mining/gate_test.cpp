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

TEST(Gate, SavedAndLoadedItKnowsWhatIsUsual) {
  Gate before;
  for (int second = 0; second < 600; second += 6) {
    const std::string took = std::to_string(10 + second % 7);
    (void)judge(before, 1, std::chrono::seconds(second), Severity::error, {took, "eth0"});
    (void)judge(before, 1, std::chrono::seconds(second), Severity::error, {took, "eth0"});
    (void)judge(before, 1, std::chrono::seconds(second), Severity::error, {took, "eth0"});
  }
  const std::string saved = before.save();
  Gate gate = Gate::load(saved).value();
  EXPECT_EQ(gate.save(), saved);
  // A day later: what came meanwhile is not known, and no line of it was unusual.
  const std::chrono::seconds later = 24h;
  EXPECT_FALSE(judge(gate, 1, later, Severity::error, {"12", "eth0"}).any());
  int passed = 0;
  for (int i = 0; i < 60; ++i) passed += judge(gate, 1, later, Severity::error).rate ? 1 : 0;
  EXPECT_EQ(passed, 0) << "thirty a window are usual";
  for (int i = 0; i < 60; ++i) passed += judge(gate, 1, later, Severity::error).rate ? 1 : 0;
  EXPECT_EQ(passed, 1);
  Gate again = Gate::load(saved).value();
  EXPECT_TRUE(judge(again, 1, later, Severity::error, {"90000", "eth0"}).parameter);
  EXPECT_TRUE(judge(again, 1, later, Severity::error, {"12", "wlan0"}).parameter);
  EXPECT_TRUE(judge(again, 1, later, Severity::critical, {"12", "eth0"}).severity);
  EXPECT_TRUE(judge(again, 2, later).new_template);
}

TEST(Gate, WindowsOfAnotherLengthAreLearnedAnew) {
  Gate before;
  for (int second = 0; second < 3600; ++second)
    (void)judge(before, 1, std::chrono::seconds(second));
  Gate gate = Gate::load(before.save(), {.window = 600s}).value();
  int passed = 0;
  for (int second = 0; second < 600; ++second) {
    passed += judge(gate, 1, std::chrono::seconds(second)).rate ? 1 : 0;
  }
  EXPECT_EQ(passed, 0);
}

TEST(Gate, FollowsTemplatesAndMeetsThemAgain) {
  Gate gate;
  (void)judge(gate, 1, 0s);
  (void)judge(gate, 2, 0s);
  gate.follow([](TemplateId id) { return id == 2 ? kRest : id; });
  EXPECT_EQ(gate.save().find("rate 2 "), std::string::npos);
  EXPECT_FALSE(judge(gate, 1, 1s).new_template);
  gate.meet_again([](TemplateId id) { return id == 1; });
  EXPECT_TRUE(judge(gate, 1, 1s).new_template);
}

TEST(Gate, AStateThatIsNoneIsAnErrorThatShowsTheLine) {
  EXPECT_FALSE(Gate::load("").ok());
  for (const char* line : {"rate 1 8 0 0 0", "rate x 1 0 0 0", "rate 1 1 0 0",
                           "parameter 1 1 1 1 1 0", "what", "window 60"}) {
    const Result<Gate> loaded = Gate::load("quern-gate 1\n" + std::string(line) + "\n");
    ASSERT_FALSE(loaded.ok()) << line;
    EXPECT_NE(loaded.error().message().find(line), std::string::npos);
  }
}

}  // namespace
}  // namespace quern::mining
