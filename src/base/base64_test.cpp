#include "base/base64.hpp"

#include <gtest/gtest.h>

namespace quern {
namespace {

// The examples of RFC 4648, section 10.
TEST(Base64, the_standards_examples) {
  const std::pair<std::string_view, std::string_view> examples[] = {{"", ""},
                                                                    {"f", "Zg=="},
                                                                    {"fo", "Zm8="},
                                                                    {"foo", "Zm9v"},
                                                                    {"foob", "Zm9vYg=="},
                                                                    {"fooba", "Zm9vYmE="},
                                                                    {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : examples) {
    EXPECT_EQ(to_base64(as_bytes(plain)), coded);
    const auto read = from_base64(coded);
    ASSERT_TRUE(read.ok()) << coded;
    EXPECT_EQ(as_text(*read), plain);
  }
}

TEST(Base64, what_is_none) {
  for (const std::string_view text :
       {"Zg", "Zg=", "Z===", "Zm9v\n", "Z g=", "Zg==Zg==", "Zm9_", "===="}) {
    EXPECT_FALSE(from_base64(text).ok()) << text;
  }
}

}  // namespace
}  // namespace quern
