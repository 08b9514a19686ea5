// What holds when something is full, spent, away or at its end.
#include "insight/test_insight.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quern::insight {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

TEST(InsightBounds, WhatFoundNoRoomIsNeverAskedAbout) {
  TestWorld world;
  const auto judge = std::make_shared<ScriptedJudge>();
  judge->say("", verdict_json(false, "other"));
  const auto insight = make(world, judge, std::string(kWait) + "templates = 16\n");
  std::string line = "INFO";
  for (int i = 0; i < 20; ++i) (void)insight->apply(lines({line += " word"}), {});
  const auto out = insight->apply(lines({"ERROR beside it", "CRITICAL also this"}), {});
  EXPECT_EQ(judge->asked(), 0U);
  EXPECT_THAT(told(out.kept), Each(HasSubstr(R"("by":"gate")")));
}

}  // namespace
}  // namespace quern::insight
