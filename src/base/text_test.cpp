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

TEST(Text, WordsOfOthersFitOnALineAndSteerNothing) {
  EXPECT_EQ(printable("gr\xc3\xbc\xc3\x9f \xe2\x9c\x93 \xf0\x9f\x90\x9d", 100),
            "gr\xc3\xbc\xc3\x9f \xe2\x9c\x93 \xf0\x9f\x90\x9d");
  EXPECT_EQ(printable("a\x1b[31m\r\n\tb\x7f", 100), "a?[31m???b?");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m\xc2\x85\xc2\xa0",
                      100),
            "?31m?\xc2\xa0")
      << "C1 controls";
  EXPECT_EQ(printable("\x9b"
                      "31m\xc0\x9b\xed\xa0\x80\xe2\x9c",
                      100),
            "?31m???????")
      << "no UTF-8";
  EXPECT_EQ(printable("a\xe2\x80\xae"
                      "b\xe2\x81\xa6",
                      100),
            "a?b?")
      << "other directions";
  EXPECT_EQ(printable(std::string_view("a\0b", 3), 100), "a?b");
  EXPECT_EQ(printable("abcd", 4), "abcd");
  EXPECT_EQ(printable("abcde", 4), "abcd...");
  EXPECT_EQ(printable("abc\xc3\xbc", 4), "abc...") << "never half a character";
}

TEST(Text, CountsEdits) {
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("gemma", "gemma"), 0U);
  EXPECT_EQ(edit_distance("gemma", "gmema"), 1U) << "a swap of neighbours is one edit";
  EXPECT_EQ(edit_distance("smollm", "smolm2"), 2U);
  EXPECT_EQ(edit_distance(std::string(1000, 'a'), "a"), 63U) << "only the first 64 count";
}

TEST(Text, KnowsUtf8) {
  for (const std::string_view good :
       {std::string_view(), std::string_view("a\0z\x7f", 4), std::string_view("clé, 字, 🦊"),
        std::string_view("\xc2\x80\xdf\xbf"), std::string_view("\xe0\xa0\x80\xef\xbf\xbf"),
        std::string_view("\xed\x9f\xbf\xee\x80\x80"),  // at both sides of the surrogates
        std::string_view("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")}) {
    EXPECT_TRUE(is_utf8(good)) << good;
  }
  for (const char* const bad : {
           "\x80",
           "a\xbf",
           "\xff",
           "\xfe",
           "caf\xe9",  // no beginning, or none of UTF-8
           "\xc0\x80",
           "\xc1\xbf",
           "\xe0\x9f\xbf",
           "\xf0\x8f\xbf\xbf",  // overlong
           "\xed\xa0\x80",
           "\xed\xbf\xbf",  // surrogates
           "\xf4\x90\x80\x80",
           "\xf5\x80\x80\x80",  // above U+10FFFF
           "\xc3",
           "\xe5\xad",
           "\xf0\x9f\xa6",  // cut off
           "\xc3z",
           "\xe5\xadz",
           "\xf0\x9f\xa6z",
           "\xc3\xc3"  // cut off by another
       }) {
    EXPECT_FALSE(is_utf8(bad)) << testing::PrintToString(bad);
  }
  EXPECT_FALSE(is_utf8(std::string_view("字").substr(0, 2)));
}

TEST(Text, ReadsWholeNumbersOnly) {
  EXPECT_EQ(*parse_number<std::uint16_t>("65535"), 65535);
  for (const char* text : {"65536", "-1", "+1", "", "1 ", "0x1"}) {
    EXPECT_FALSE(parse_number<std::uint16_t>(text).ok()) << text;
  }
}

}  // namespace
}  // namespace quern
