#include "guestapi/account.hpp"

#include <gtest/gtest.h>

namespace quern::guestapi {
namespace {

using inference::Usage;

TEST(Account, ABudgetIsSharedByWhatRunsAndWhatHasRun) {
  Account account(100, nullptr);
  const auto first = account.reserve(20, 30);
  ASSERT_FALSE(first.refusal);
  EXPECT_EQ(first.max_tokens, 30U);
  const auto second = account.reserve(10, std::nullopt);  // 50 are left
  ASSERT_FALSE(second.refusal);
  EXPECT_EQ(second.max_tokens, 40U);
  EXPECT_TRUE(account.reserve(1, 1).refusal);
  account.settle(second.reserved, Usage{.prompt_tokens = 10, .completion_tokens = 5});
  EXPECT_EQ(account.reserve(30, 1000).max_tokens, 5U);
}

TEST(Account, RefusesAPromptThatLeavesNoRoomForAnAnswer) {
  Account account(100, nullptr);
  const auto grant = account.reserve(100, 1);
  ASSERT_TRUE(grant.refusal);
  EXPECT_EQ(grant.refusal->which, LlmError::Case::budget_exhausted);
  EXPECT_EQ(grant.refusal->text,
            "the manifest grants tokens = 100, of which 100 are left; the prompt has 100");
}

TEST(Account, OverspendingDoesNotWrapAround) {
  Account account(10, nullptr);
  account.settle(0, Usage{.prompt_tokens = 4'000'000'000, .completion_tokens = 4'000'000'000});
  EXPECT_TRUE(account.reserve(1, 1).refusal);
}

TEST(Account, TheMeterHearsOfWhatWasUsed) {
  std::vector<std::uint32_t> heard;
  Account account(0, [&](const Usage& usage) { heard.push_back(usage.completion_tokens); });
  EXPECT_FALSE(account.limited());
  account.settle(0, Usage{.prompt_tokens = 1, .completion_tokens = 7});
  account.settle(0, Usage{});
  EXPECT_EQ(heard, std::vector<std::uint32_t>{7});
}

}  // namespace
}  // namespace quern::guestapi
