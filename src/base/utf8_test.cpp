#include "base/utf8.hpp"

#include <gtest/gtest.h>

namespace quern {
namespace {

TEST(Utf8, EveryCharacterIsReadAsItIsWritten) {
  for (char32_t code = 0; code <= 0x10ffff; ++code) {
    if (code == 0xd800) code = 0xe000;  // surrogates are none
    const std::string text = to_utf8(code);
    const Character read = first_character(text + "x");
    ASSERT_EQ(read.code, code);
    ASSERT_EQ(read.bytes, text.size());
  }
}

TEST(Utf8, WhatIsNoCharacterHasNoBytes) {
  for (const char* text :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xe2\x82", "\xe0\x80\x80", "\xed\xa0\x80",
        "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"}) {
    EXPECT_EQ(first_character(text).bytes, 0U) << text;
  }
}

}  // namespace
}  // namespace quern
