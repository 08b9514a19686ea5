#include "base/percent.hpp"

#include <gtest/gtest.h>

namespace quern {
namespace {

TEST(Percent, AllButPlainBytesAreEncoded) {
  EXPECT_EQ(percent_encoded("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(percent_encoded("a b&c=d/\xc3\xbc"), "a%20b%26c%3Dd%2F%C3%BC");
  EXPECT_EQ(percent_encoded("a/b:c,d", ":/,"), "a/b:c,d");
  EXPECT_EQ(percent_encoded(std::string_view("\0\xff", 2)), "%00%FF");
}

TEST(Percent, DecodingGivesItBack) {
  EXPECT_EQ(percent_decoded("a%20b%26c%3Dd%2F%C3%BC"), "a b&c=d/\xc3\xbc");
  EXPECT_EQ(percent_decoded("%2f%2F"), "//");
  EXPECT_EQ(percent_decoded(percent_encoded("100 % \x01")), "100 % \x01");
}

TEST(Percent, WhatIsNoEscapeStays) {
  EXPECT_EQ(percent_decoded("%"), "%");
  EXPECT_EQ(percent_decoded("%4"), "%4");
  EXPECT_EQ(percent_decoded("%4g%"), "%4g%");
  EXPECT_EQ(percent_decoded("%-1%+1%%41"), "%-1%+1%A");
}

}  // namespace
}  // namespace quern
