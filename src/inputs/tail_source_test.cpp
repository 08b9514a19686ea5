#include "inputs/tail_source.hpp"

#include "inputs/test_support.hpp"
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace quern::inputs {
namespace {

std::string packed(std::string_view text) {
  return std::string(as_text(test::gzip(as_bytes(text))));
}

std::string read(TailSource& source, std::uint64_t offset, std::size_t size) {
  Buffer into(size);
  const auto got = source.read(offset, into);
  if (!got.ok()) return "error: " + std::string(to_string(got.error().kind()));
  into.resize(*got);
  return std::string(as_text(into));
}

TEST(TailSource, PlainFilesGrow) {
  const test::TempFolder folder;
  const auto path = folder.path() / "log";
  test::append(path, "abc");
  const auto source = open_plain(path);
  ASSERT_TRUE(source.ok());
  EXPECT_EQ(read(**source, 1, 10), "bc");
  test::append(path, "def");
  EXPECT_EQ(read(**source, 3, 10), "def");
  EXPECT_EQ(read(**source, 100, 10), "");
  EXPECT_EQ((*source)->state().size, 6U);
  EXPECT_EQ((*source)->state().id, look_at(path)->id);
}

TEST(TailSource, WhatIsNoFileIsRefused) {
  const test::TempFolder folder;
  EXPECT_EQ(open_plain(folder.path() / "none").error().kind(), ErrorKind::not_found);
  ::mkfifo((folder.path() / "pipe").c_str(), 0600);
  EXPECT_EQ(open_plain(folder.path() / "pipe").error().kind(), ErrorKind::unsupported);
  EXPECT_FALSE(look_at(folder.path()).has_value());
}

TEST(TailSource, GzipIsReadAsWhatItHolds) {
  const test::TempFolder folder;
  const auto path = folder.path() / "log.gz";
  // Ten thousand to one, and behind it another member.
  const std::string text = std::string(20'000'000, 'x') + "end\n";
  test::append(path, packed(text) + packed("more\n"));
  const auto source = open_gzip(path);
  ASSERT_TRUE(source.ok());
  EXPECT_EQ(read(**source, 0, 3), "xxx");
  EXPECT_EQ(read(**source, 19'999'999, 1000), "xend\nmore\n");
  EXPECT_EQ(read(**source, text.size() + 5, 10), "");
  EXPECT_TRUE((*source)->complete());
  EXPECT_EQ(read(**source, 5, 2), "xx");  // back again
}

TEST(TailSource, HalfAGzipWaitsForTheRest) {
  const test::TempFolder folder;
  const auto path = folder.path() / "log.gz";
  std::string text;
  for (int i = 0; i < 1000; ++i) text += std::to_string(i * 7919) + "\n";
  const std::string all = packed(text);
  test::append(path, all.substr(0, all.size() / 2));
  const auto source = open_gzip(path);
  const std::string half = read(**source, 0, 1 << 20);
  EXPECT_LT(half.size(), text.size());
  EXPECT_FALSE((*source)->complete());
  test::append(path, all.substr(all.size() / 2));
  EXPECT_EQ(half + read(**source, half.size(), 1 << 20), text);
  EXPECT_EQ(read(**source, text.size(), 1), "");
  EXPECT_TRUE((*source)->complete());
}

TEST(TailSource, WhatIsNoGzipIsSaidToBeNone) {
  const test::TempFolder folder;
  test::append(folder.path() / "log.gz", "plain text\n");
  EXPECT_EQ(read(**open_gzip(folder.path() / "log.gz"), 0, 10), "error: corrupt_data");
}

}  // namespace
}  // namespace quern::inputs
