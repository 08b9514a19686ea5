#include "cli/commands.hpp"
#include "cli/templates.hpp"
#include "cli/test_world.hpp"

#include <cstdint>
#include <string>

namespace quern::cli {
namespace {

// What sdk/new/pack.py makes, with one project of two files.
const std::string kContents = "hello @NAME@, @NAME@\nraw @NAME@\n";
const std::string kIndex = R"({
  "files": {"hello": [0, 21], "raw": [21, 11]},
  "projects": {"python/http": {"files": {"app.py": "hello", "adapter/x.wasm": "raw"},
                               "build": "make @NAME@.wasm", "run": "quern serve @NAME@.wasm"}}})";

template <class Number>
void put(std::string& out, Number value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// gzip without compression: RFC 1952 around one stored block of RFC 1951.
Buffer packed(const std::string& archive) {
  std::uint32_t crc = 0xffffffff;
  for (const char byte : archive) {
    crc ^= static_cast<std::uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xedb88320 : 0);
  }
  const auto size = static_cast<std::uint16_t>(archive.size());
  std::string out("\x1f\x8b\x08\0\0\0\0\0\0\x03\x01", 11);
  put(out, size);
  put(out, static_cast<std::uint16_t>(~size));
  out += archive;
  put(out, ~crc);
  put(out, std::uint32_t{size});
  return to_buffer(out);
}

Buffer archive() { return packed(std::to_string(kIndex.size()) + "\n" + kIndex + kContents); }

class NewProject : public WithWorld {
 protected:
  NewProject() { world_.templates = archive_; }

  Result<int> begin(const std::string& name, const std::string& kind = "http") {
    return new_project({.language = "python", .kind = kind, .name = name}, world_);
  }
  std::string text(const std::string& path) {
    const auto content = files_.read(path, 1_KiB);
    return content.ok() ? std::string(as_text(*content)) : content.error().describe();
  }

 private:
  const Buffer archive_ = archive();
};

TEST_F(NewProject, IsWrittenUnderItsName) {
  ASSERT_EQ(*begin("verdict"), 0);
  EXPECT_EQ(text("verdict/app.py"), "hello verdict, verdict\n");
  EXPECT_EQ(text("verdict/adapter/x.wasm"), "raw @NAME@\n");
  EXPECT_NE(console_.written_out.find("\n  cd verdict && make verdict.wasm\n"
                                      "  quern serve verdict.wasm\n"),
            std::string::npos)
      << console_.written_out;
}

TEST_F(NewProject, OverwritesNothing) {
  ASSERT_TRUE(files_.write("verdict", as_bytes("mine")).ok());
  EXPECT_EQ(begin("verdict").error().kind(), ErrorKind::already_exists);
  EXPECT_EQ(text("verdict"), "mine");
  ASSERT_TRUE(files_.make_directories("other", 0755).ok());
  EXPECT_EQ(begin("other").error().kind(), ErrorKind::already_exists);
}

TEST_F(NewProject, HasANameThatEveryLanguageCanSpell) {
  for (const char* name : {"", "../x", "a/b", "1a", "-a", "a b", "a.b", "é", "_a"}) {
    EXPECT_EQ(begin(name).error().kind(), ErrorKind::invalid_argument) << name;
  }
  EXPECT_EQ(begin(std::string(65, 'a')).error().kind(), ErrorKind::invalid_argument);
  EXPECT_TRUE(begin(std::string(64, 'a')).ok());
  EXPECT_TRUE(begin("My-app_2").ok());
}

TEST_F(NewProject, SaysWhichKindsAreNotThereYet) {
  const Result<int> begun = begin("x", "flow");
  EXPECT_EQ(begun.error().kind(), ErrorKind::unsupported);
  EXPECT_NE(begun.error().describe().find("there are http, command and filter"), std::string::npos);
  EXPECT_FALSE(files_.exists("x"));
}

TEST_F(NewProject, OfABuildWithoutGuestsIsRefused) {
  world_.templates = {};
  EXPECT_EQ(begin("x").error().kind(), ErrorKind::unsupported);
  EXPECT_FALSE(files_.exists("x"));
}

TEST_F(NewProject, SaysWhenItIsNotWhole) {
  files_.fail_at_change(3, Error(ErrorKind::resource_exhausted, "the disk is full"));
  const Result<int> begun = begin("x");
  EXPECT_EQ(begun.error().kind(), ErrorKind::resource_exhausted);
  EXPECT_NE(begun.error().describe().find("x is not whole"), std::string::npos);
}

TEST(Templates, ThatAreNotWholeAreAnError) {
  EXPECT_EQ(unpack_project(packed("12"), "python/http", "x").error().kind(),
            ErrorKind::corrupt_data);
  EXPECT_EQ(
      unpack_project(packed(std::to_string(kIndex.size()) + "\n" + kIndex), "python/http", "x")
          .error()
          .kind(),
      ErrorKind::corrupt_data);
  EXPECT_EQ(unpack_project(archive(), "cobol/http", "x").error().kind(), ErrorKind::unsupported);
}

}  // namespace
}  // namespace quern::cli
