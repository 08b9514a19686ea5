#include "cli/amounts.hpp"

#include <gtest/gtest.h>

namespace quern::cli {
namespace {

using std::chrono::milliseconds;

TEST(Amounts, ReadsDurations) {
  EXPECT_EQ(*parse_duration("500ms"), milliseconds(500));
  EXPECT_EQ(*parse_duration("30"), milliseconds(30'000));
  EXPECT_EQ(*parse_duration("1.5m"), milliseconds(90'000));
  EXPECT_EQ(*parse_duration(" 2 h "), milliseconds(7'200'000));
}

TEST(Amounts, RefusesWhatIsNotADuration) {
  for (const char* text : {"", "s", "-1s", "1d", "1e3", "999999h", "nan"}) {
    EXPECT_EQ(parse_duration(text).error().kind(), ErrorKind::invalid_argument) << text;
  }
}

TEST(Amounts, WritesForPeople) {
  EXPECT_EQ(to_text(milliseconds(420)), "0.42 s");
  EXPECT_EQ(to_text(milliseconds(59'999)), "59 s");
  EXPECT_EQ(to_text(milliseconds(65'000)), "1 min 5 s");
  EXPECT_EQ(to_text(milliseconds(7'380'000)), "2 h 3 min");
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
  EXPECT_EQ(with_commas(123456), "123,456");
  EXPECT_EQ(decimal(3.14159, 2), "3.14");
}

}  // namespace
}  // namespace quern::cli
