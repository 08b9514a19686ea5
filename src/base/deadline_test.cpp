#include "base/deadline.hpp"

#include <gtest/gtest.h>

namespace quern {
namespace {

using std::chrono::milliseconds;

TEST(Deadline, NeverIsNever) {
  EXPECT_FALSE(Deadline::never().passed());
  EXPECT_EQ(Deadline::never().left(), milliseconds::max());
  EXPECT_TRUE(Deadline::in(milliseconds::max()).is_never());
}

TEST(Deadline, PassesWithTime) {
  EXPECT_TRUE(Deadline::in(milliseconds(-1)).passed());
  EXPECT_EQ(Deadline::in(milliseconds(-5)).left(), milliseconds(0));
  EXPECT_FALSE(Deadline::in(std::chrono::hours(1)).passed());
}

TEST(Deadline, TheEarlierOfTwoCounts) {
  const Deadline soon = Deadline::in(milliseconds(10));
  EXPECT_EQ(soon.earlier(Deadline::never()).when(), soon.when());
  EXPECT_EQ(Deadline::never().earlier(soon).when(), soon.when());
}

}  // namespace
}  // namespace quern
