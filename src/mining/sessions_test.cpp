#include "mining/sessions.hpp"

#include <gtest/gtest.h>

namespace quern::mining {
namespace {

using Session = std::vector<TemplateId>;

TEST(SessionProfile, ASessionLikeThoseBeforeHasNoBreak) {
  SessionProfile usual;
  usual.learn(Session{1, 2, 2, 3});
  usual.learn(Session{1, 2, 3});
  EXPECT_TRUE(usual.judge(Session{3, 2, 1}).empty());
  EXPECT_TRUE(usual.judge(Session{2, 1, 2, 3}).empty());
  EXPECT_EQ(usual.sessions(), 2U);
}

TEST(SessionProfile, ABreakNamesTemplateAndCount) {
  SessionProfile usual;
  usual.learn(Session{1, 2, 2});
  usual.learn(Session{1, 2});
  const auto more = usual.judge(Session{1, 2, 2, 2});
  ASSERT_EQ(more.size(), 1U);
  EXPECT_EQ(more[0].kind, Break::Kind::other_count);
  EXPECT_EQ(more[0].id, 2U);
  EXPECT_EQ(more[0].count, 3U);
  const auto gone = usual.judge(Session{2});
  ASSERT_EQ(gone.size(), 1U);
  EXPECT_EQ(gone[0].id, 1U);
  EXPECT_EQ(gone[0].count, 0U);
  const auto foreign = usual.judge(Session{1, 2, 9});
  ASSERT_EQ(foreign.size(), 1U);
  EXPECT_EQ(foreign[0].kind, Break::Kind::never_seen);
}

TEST(SessionProfile, WhatOnlySomeSessionsHaveMayBeMissing) {
  SessionProfile usual;
  usual.learn(Session{1});
  usual.learn(Session{1, 7});
  EXPECT_TRUE(usual.judge(Session{1}).empty());
}

TEST(SessionProfile, LargeCountsAreToldApartByPowersOfTwo) {
  SessionProfile usual;
  usual.learn(Session(20, 1));
  EXPECT_TRUE(usual.judge(Session(31, 1)).empty());
  EXPECT_EQ(usual.judge(Session(32, 1)).size(), 1U);
  EXPECT_EQ(usual.judge(Session(16, 1)).size(), 1U);
  usual.learn(Session(100'000, 2));
  EXPECT_TRUE(usual.judge(Session(120'000, 2)).empty());
}

TEST(SessionProfile, LinesWithoutATemplateAreNoBreak) {
  SessionProfile usual;
  usual.learn(Session{1});
  EXPECT_TRUE(usual.judge(Session{1, kRest, kRest}).empty());
}

}  // namespace
}  // namespace quern::mining
