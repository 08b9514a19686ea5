#include "base/unpack.hpp"

#include <gtest/gtest.h>

#include <string>

namespace quern {
namespace {

// printf 'quern quern quern' | gzip -n
const std::string kPacked(
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x2b\x2c\x4d\x2d\xca\x53\x28\x44\x90\x00\x42\x7f\x7a"
    "\x73\x11\x00\x00\x00",
    28);

TEST(Unpack, GivesBackWhatWasPacked) {
  const auto content = unpack(as_bytes(kPacked), 1_KiB);
  ASSERT_TRUE(content.ok()) << content.error().describe();
  EXPECT_EQ(as_text(*content), "quern quern quern");
}

TEST(Unpack, GoesOnThroughAllMembers) {
  // printf '' | gzip -n
  const std::string empty("\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0", 20);
  const auto content = unpack(as_bytes(kPacked + empty + kPacked + empty), 1_KiB);
  ASSERT_TRUE(content.ok()) << content.error().describe();
  EXPECT_EQ(as_text(*content), "quern quern quernquern quern quern");
  EXPECT_TRUE(unpack(as_bytes(empty), 1_KiB)->empty());
  EXPECT_TRUE(unpack(as_bytes(kPacked + kPacked), Bytes{34}).ok());
  for (const std::string& last : {kPacked, empty + kPacked, kPacked + empty}) {
    EXPECT_EQ(unpack(as_bytes(kPacked + last), Bytes{33}).error().kind(),
              ErrorKind::resource_exhausted);
  }
  EXPECT_FALSE(unpack(as_bytes(kPacked + kPacked.substr(0, 20)), 1_KiB).ok()) << "cut";
  EXPECT_FALSE(unpack(as_bytes(kPacked + "and more" + std::string(8, '\0')), 1_KiB).ok());
}

TEST(Unpack, RefusesWhatIsTooLargeCutOrChanged) {
  EXPECT_EQ(unpack(as_bytes(kPacked), Bytes{16}).error().kind(), ErrorKind::resource_exhausted);
  for (std::size_t length = 0; length < kPacked.size(); ++length) {
    EXPECT_FALSE(unpack(as_bytes(kPacked.substr(0, length)), 1_KiB).ok()) << length;
  }
  for (const std::size_t at : {0U, 12U, 20U, 23U}) {
    std::string changed = kPacked;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(unpack(as_bytes(changed), 1_KiB).ok()) << at;
  }
}

TEST(Unpack, PacksWhatItUnpacks) {
  const std::string line = "the same again and again ";
  std::string text;
  for (int n = 0; n < 1000; ++n) text += line;
  const Buffer packed = pack(as_bytes(text));
  EXPECT_LT(packed.size(), text.size() / 10);
  EXPECT_EQ(as_text(*unpack(packed, 1_MiB)), text);
  Buffer twice = packed;
  const Buffer empty = pack({});
  twice.insert(twice.end(), empty.begin(), empty.end());
  EXPECT_EQ(as_text(*unpack(twice, 1_MiB)), text);
}

TEST(Unpack, WhatIsNoGzipIsSaidToBeNone) {
  for (const std::string_view text : {"", "x", "no gzip", "a text whose end, as a size, is huge"}) {
    const auto unpacked = unpack(as_bytes(text), 1_MiB);
    ASSERT_FALSE(unpacked.ok());
    EXPECT_EQ(unpacked.error().kind(), ErrorKind::corrupt_data) << text;
  }
}

}  // namespace
}  // namespace quern
