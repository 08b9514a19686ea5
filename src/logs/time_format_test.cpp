#include "logs/time_format.hpp"

#include <gtest/gtest.h>

namespace quern::logs {
namespace {

constexpr EventTime kNow{.seconds = 1'795'340'401};  // 2026-11-22T09:40:01Z

std::string read(std::string_view format, std::string_view text, Zone zone = {},
                 EventTime received = kNow) {
  const Result<TimeFormat> form = TimeFormat::parse(format);
  if (!form.ok()) return "FORMAT " + form.error().message();
  const Result<EventTime> time = form->read(text, received, zone);
  return time.ok() ? iso8601(*time) : "NO";
}

TEST(TimeFormat, TheFormsThatLogsHave) {
  EXPECT_EQ(read("iso8601", "2026-11-22T09:40:01.123Z"), "2026-11-22T09:40:01.123000000Z");
  EXPECT_EQ(read("iso8601", "2026-11-22 09:40:01,5+02:00"), "2026-11-22T07:40:01.500000000Z");
  EXPECT_EQ(read("iso8601", "2026-11-22T09:40:01"), "2026-11-22T09:40:01.000000000Z");
  EXPECT_EQ(read("unix", "1795340401.25"), "2026-11-22T09:40:01.250000000Z");
  EXPECT_EQ(read("unix_ms", "1795340401007"), "2026-11-22T09:40:01.007000000Z");
  EXPECT_EQ(read("unix_ns", "1795340401000000009"), "2026-11-22T09:40:01.000000009Z");
  EXPECT_EQ(read("%d/%b/%Y:%H:%M:%S %z", "22/Nov/2026:09:40:01 -0130"),
            "2026-11-22T11:10:01.000000000Z");
  EXPECT_EQ(read("%Y-%m-%d-%H.%M.%S.%f", "2005-06-03-15.42.50.675872"),
            "2005-06-03T15:42:50.675872000Z");
  EXPECT_EQ(read("%a %b %e %T %Y", "Sun Dec  4 04:47:44 2005"), "2005-12-04T04:47:44.000000000Z");
  EXPECT_EQ(read("%D %I:%M:%S %p", "11/22/26 12:05:00 am"), "2026-11-22T00:05:00.000000000Z");
  EXPECT_EQ(read("%y%m%d %H%M%S", "081109 203615"), "2008-11-09T20:36:15.000000000Z");
  EXPECT_EQ(read("%s.%L", "1795340401.5"), "2026-11-22T09:40:01.500000000Z");
  EXPECT_EQ(read("%Y-%j", "2024-366"), "2024-12-31T00:00:00.000000000Z");
}

TEST(TimeFormat, AZoneIsTakenWhereNoneIsWritten) {
  EXPECT_EQ(read("iso8601", "2026-11-22T09:40:01", *Zone::parse("+05:30")),
            "2026-11-22T04:10:01.000000000Z");
  EXPECT_EQ(read("iso8601", "2026-11-22T09:40:01Z", *Zone::parse("+05:30")),
            "2026-11-22T09:40:01.000000000Z");
  EXPECT_FALSE(Zone::parse("Europe/Berlin").ok());
}

TEST(TimeFormat, TheYearThatIsMissingIsTheLastThatFits) {
  const EventTime january{.seconds = 1'799'020'800};  // 2027-01-04
  EXPECT_EQ(read("%b %e %T", "Dec 31 23:59:59", {}, january), "2026-12-31T23:59:59.000000000Z");
  EXPECT_EQ(read("%b %e %T", "Jan  4 00:10:00", {}, january), "2027-01-04T00:10:00.000000000Z");
  const EventTime new_year_2025{.seconds = 1'735'689'600};
  EXPECT_EQ(read("%b %e %T", "Feb 29 10:00:00", {}, new_year_2025),
            "2024-02-29T10:00:00.000000000Z");
  EXPECT_EQ(read("%H:%M", "09:41"), "2026-11-22T09:41:00.000000000Z");
}

TEST(TimeFormat, WhatIsNoTimeIsRefused) {
  EXPECT_EQ(read("iso8601", "2026-13-01T00:00:00Z"), "NO");
  EXPECT_EQ(read("iso8601", "2026-02-30T00:00:00Z"), "NO");
  EXPECT_EQ(read("iso8601", ""), "NO");
  EXPECT_EQ(read("iso8601", "2026-11-22T09:40:01Z tail"), "NO");
  EXPECT_EQ(read("iso8601", "1960-11-22T09:40:01Z"), "NO");
  EXPECT_EQ(read("iso8601", "2206-11-22T09:40:01Z"), "NO");
  EXPECT_EQ(read("unix", "99999999999999999999999"), "NO");
  EXPECT_EQ(read("%Y", "20x6"), "NO");
  EXPECT_TRUE(read("%Q", "1").starts_with("FORMAT"));
  EXPECT_TRUE(read("%", "1").starts_with("FORMAT"));
}

}  // namespace
}  // namespace quern::logs
