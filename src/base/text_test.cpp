#include "base/text.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace quern {
namespace {

TEST(Text, Trims) {
  EXPECT_EQ(trim("  a b\r\n"), "a b");
  EXPECT_EQ(trim(" \t"), "");
}

TEST(Text, SplitsAndKeepsEmptyParts) {
  EXPECT_EQ(split("a::b", ':'), (std::vector<std::string_view>{"a", "", "b"}));
  EXPECT_EQ(split("", ':'), std::vector<std::string_view>{""});
}

TEST(Text, ComparesWithoutCase) {
  EXPECT_TRUE(equal_ignoring_case("Content-Type", "content-tYPE"));
  EXPECT_FALSE(equal_ignoring_case("a", "ab"));
}

TEST(Text, CountsEdits) {
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("gemma", "gemma"), 0U);
  EXPECT_EQ(edit_distance("gemma", "gmema"), 1U) << "a swap of neighbours is one edit";
  EXPECT_EQ(edit_distance("smollm", "smolm2"), 2U);
  EXPECT_EQ(edit_distance(std::string(1000, 'a'), "a"), 63U) << "only the first 64 count";
}

TEST(Text, ReadsWholeNumbersOnly) {
  EXPECT_EQ(*parse_number<std::uint16_t>("65535"), 65535);
  for (const char* text : {"65536", "-1", "+1", "", "1 ", "0x1"}) {
    EXPECT_FALSE(parse_number<std::uint16_t>(text).ok()) << text;
  }
}

}  // namespace
}  // namespace quern
