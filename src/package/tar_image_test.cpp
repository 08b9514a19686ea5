#include "package/tar_image.hpp"

#include "package/test_tar.hpp"
#include <gtest/gtest.h>

namespace quern::package {
namespace {

using test::tar_of;

const std::string kModule("\0asm\1\0\0\0", 8);

TEST(TarImage, DamagedArchivesAreRefused) {
  const std::string tar = tar_of("a.wasm", kModule);
  ASSERT_TRUE(wasm_in_image(as_bytes(tar)).ok());
  for (std::size_t size = 0; size < tar.size(); size += 7) {
    (void)wasm_in_image(as_bytes(tar.substr(0, size))).ok();
  }
  std::string large = tar;
  large.replace(124, 11, "77777777777");
  EXPECT_EQ(wasm_in_image(as_bytes(large)).error().kind(), ErrorKind::corrupt_data);
  const auto two = tar_of("a.wasm", kModule).substr(0, 1024) + tar_of("b.wasm", kModule);
  EXPECT_EQ(wasm_in_image(as_bytes(two)).error().kind(), ErrorKind::unsupported);
}

// An entry without the archive's end.
std::string entry_of(char type, const std::string& name, const std::string& content) {
  std::string entry = tar_of(name, content);
  entry[156] = type;
  return entry.substr(0, entry.size() - 1024);
}

TEST(TarImage, LongNamesCount) {
  const std::string name = std::string(120, 'd') + "/app.wasm";
  const std::string file = entry_of('0', name.substr(0, 100), kModule);
  EXPECT_EQ(wasm_in_image(as_bytes(file)).error().kind(), ErrorKind::unsupported);
  const std::string gnu = entry_of('L', "././@LongLink", name + '\0');
  const std::string path = "path=" + name + "\n";
  const std::string pax = entry_of('x', "PaxHeaders/app", "20 mtime=1700000000\n139 " + path);
  for (const std::string& before : {gnu, pax}) {
    const auto found = wasm_in_image(as_bytes(before + file));
    ASSERT_TRUE(found.ok()) << found.error().describe();
    EXPECT_EQ(as_text(*found), kModule);
    // It is the name of one file.
    const std::string other = entry_of('0', "other", "x");
    EXPECT_EQ(as_text(*wasm_in_image(as_bytes(before + other + file))), "x");
  }
  for (const char* broken : {"", "9", "x path=a.wasm\n", "1 path=a.wasm\n", "999 path=a.wasm\n"}) {
    EXPECT_FALSE(wasm_in_image(as_bytes(entry_of('x', "p", broken) + file)).ok()) << broken;
  }
}

// As tar writes it for what is beyond 8 GiB, and some for everything.
TEST(TarImage, SizesOfPaxCount) {
  std::string file = entry_of('0', "app.wasm", kModule);
  file.replace(124, 11, "00000000000");
  const auto with = [&](const std::string& record) {
    return wasm_in_image(as_bytes(entry_of('x', "PaxHeaders/app", record) + file));
  };
  const auto found = with("10 size=8\n");
  ASSERT_TRUE(found.ok()) << found.error().describe();
  EXPECT_EQ(as_text(*found), kModule);
  // It is the size of one file, and not of other headers before that.
  const std::string other = entry_of('0', "other", "12345678");
  const std::string name = entry_of('L', "././@LongLink", std::string(20, 'd') + ".wasm" + '\0');
  EXPECT_TRUE(wasm_in_image(as_bytes(entry_of('x', "p", "10 size=8\n") + other + file))->empty());
  EXPECT_EQ(as_text(*wasm_in_image(as_bytes(entry_of('x', "p", "10 size=8\n") + name + file))),
            kModule);
  EXPECT_EQ(with("19 size=1000000000\n").error().kind(), ErrorKind::corrupt_data);
  for (const char* const wrong :
       {"11 size=-8\n", "29 size=99999999999999999999\n", "10 size=x\n"}) {
    EXPECT_EQ(with(wrong).error().kind(), ErrorKind::corrupt_data) << wrong;
  }
}

}  // namespace
}  // namespace quern::package
