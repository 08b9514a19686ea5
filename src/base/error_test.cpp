#include "base/error.hpp"

#include "base/result.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace quern {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return fail(ErrorKind::invalid_argument, "odd");
  return number / 2;
}
Result<int> quarter(int number) { return half(TRY(half(number))); }
Result<std::unique_ptr<int>> boxed(int number) { return std::make_unique<int>(TRY(half(number))); }

TEST(Error, DescribesTheWholeChain) {
  Error error(ErrorKind::not_found, "no such file");
  const Error outer = std::move(error).wrap("opening model x").wrap("starting");
  EXPECT_EQ(outer.kind(), ErrorKind::not_found);
  EXPECT_EQ(outer.message(), "starting");
  EXPECT_EQ(outer.describe(), "starting: opening model x: no such file");
  ASSERT_NE(outer.cause(), nullptr);
  EXPECT_EQ(outer.cause()->message(), "opening model x");
}

TEST(Error, EveryKindHasItsOwnName) {
  EXPECT_EQ(to_string(ErrorKind::guest_trap), "guest_trap");
  EXPECT_EQ(to_string(ErrorKind::internal), "internal");
}

TEST(Result, TryPassesTheErrorUp) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).error().message(), "odd");
  EXPECT_EQ(**boxed(4), 2);
  EXPECT_FALSE(boxed(3).ok());
}

TEST(Result, ContextGoesBeforeTheCause) {
  const Result<int> result = half(3).context("halving 3");
  EXPECT_EQ(result.error().describe(), "halving 3: odd");
  EXPECT_EQ(*half(4).context("halving 4"), 2);
  Result<> nothing;
  EXPECT_TRUE(std::move(nothing).context("unused").ok());
}

TEST(ResultDeathTest, ReadingTheOtherSideAbortsWithTheError) {
  EXPECT_DEATH((void)*half(3), "odd");
  EXPECT_DEATH((void)half(4).error(), "holds a value");
}

}  // namespace
}  // namespace quern
