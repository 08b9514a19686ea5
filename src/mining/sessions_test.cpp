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

TEST(SessionProfile, IsTheSameOnceItWasSavedAndLoaded) {
  SessionProfile usual;
  usual.learn(std::vector<TemplateId>{1, 2, 2});
  usual.learn(std::vector<TemplateId>{1, 2});
  const auto loaded = SessionProfile::load(usual.save());
  ASSERT_TRUE(loaded.ok()) << loaded.error().describe();
  EXPECT_EQ(loaded->sessions(), 2U);
  EXPECT_TRUE(loaded->judge(std::vector<TemplateId>{1, 2}).empty());
  EXPECT_EQ(loaded->judge(std::vector<TemplateId>{1, 3}).size(), 2U);
  for (const char* broken : {"", "quern-sessions 2\n", "quern-sessions 1\nseen 1\n",
                             "quern-sessions 1\nseen x 1\n", "quern-sessions 1\nmore\n"}) {
    EXPECT_FALSE(SessionProfile::load(broken).ok()) << broken;
  }
}

TEST(SessionProfile, FollowsTemplatesThatBecomePartOfOthers) {
  SessionProfile usual;
  usual.learn(std::vector<TemplateId>{1, 5});
  usual.follow([](TemplateId id) { return id == 5 ? TemplateId{2} : id; });
  EXPECT_TRUE(usual.judge(std::vector<TemplateId>{1, 2}).empty());
}

}  // namespace
}  // namespace quern::mining
