// One suite over the real disk and the fake, so that the fake cannot drift from what it stands for.
#include "base/files.hpp"

#include "base/fakes.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace quern {
namespace {

std::filesystem::path fresh_directory() {
  std::string name = testing::TempDir() + "quern_files_XXXXXX";
  CHECK(::mkdtemp(name.data()) != nullptr, "no temporary directory");
  return name;
}

template <class T>
class FilesTest : public testing::Test {
 protected:
  FilesTest() { EXPECT_TRUE(files_.make_directories(dir_, 0755).ok()); }
  ~FilesTest() override { std::filesystem::remove_all(dir_); }
  std::string content(const std::filesystem::path& path) {
    const Result<Buffer> bytes = files_.read(path, 1_MiB);
    return bytes.ok() ? std::string(as_text(*bytes)) : bytes.error().describe();
  }
  T files_;
  std::filesystem::path dir_ = fresh_directory();
};

using Kinds = testing::Types<RealFiles, FakeFiles>;
TYPED_TEST_SUITE(FilesTest, Kinds);

TYPED_TEST(FilesTest, WritesReplacesAndReads) {
  const auto path = this->dir_ / "a";
  EXPECT_EQ(this->files_.read(path, 1_MiB).error().kind(), ErrorKind::not_found);
  ASSERT_TRUE(this->files_.write(path, as_bytes("one")).ok());
  ASSERT_TRUE(this->files_.write(path, as_bytes("two")).ok());
  EXPECT_EQ(this->content(path), "two");
  EXPECT_EQ(*this->files_.list(this->dir_), std::vector<std::string>{"a"}) << "nothing left over";
  EXPECT_EQ(this->files_.stat(path)->size, Bytes{3});
}

TYPED_TEST(FilesTest, AFolderIsNotWrittenOver) {
  const auto folder = this->dir_ / "d";
  ASSERT_TRUE(this->files_.make_directories(folder, 0755).ok());
  const auto written = this->files_.write(folder, as_bytes("one"));
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(written.error().describe().find(".tmp"), std::string::npos) << "ours, not the user's";
  EXPECT_EQ(*this->files_.list(this->dir_), std::vector<std::string>{"d"}) << "nothing left over";
}

TYPED_TEST(FilesTest, ReadsNoMoreThanTheLimit) {
  ASSERT_TRUE(this->files_.write(this->dir_ / "a", as_bytes("12345")).ok());
  EXPECT_EQ(this->files_.read(this->dir_ / "a", {4}).error().kind(), ErrorKind::resource_exhausted);
  EXPECT_TRUE(this->files_.read(this->dir_ / "a", {5}).ok());
}

TYPED_TEST(FilesTest, ReadsParts) {
  const auto path = this->dir_ / "a";
  ASSERT_TRUE(this->files_.write(path, as_bytes("12345")).ok());
  EXPECT_EQ(as_text(*this->files_.read_part(path, {1}, {3})), "234");
  EXPECT_EQ(as_text(*this->files_.read_part(path, {3}, {9})), "45");
  EXPECT_TRUE(this->files_.read_part(path, {9}, {9})->empty());
  EXPECT_EQ(this->files_.read_part(this->dir_ / "b", {0}, {1}).error().kind(),
            ErrorKind::not_found);
}

TYPED_TEST(FilesTest, AppendsTruncatesAndRenames) {
  const auto part = this->dir_ / "x.part";
  for (const char* text : {"ab", "cd"}) {
    auto writer = this->files_.append(part);
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE((*writer)->write(as_bytes(text)).ok());
    ASSERT_TRUE((*writer)->sync().ok());
  }
  EXPECT_EQ(this->content(part), "abcd");
  ASSERT_TRUE(this->files_.truncate(part, {3}).ok());
  ASSERT_TRUE(this->files_.rename(part, this->dir_ / "x").ok());
  EXPECT_EQ(this->content(this->dir_ / "x"), "abc");
  EXPECT_FALSE(this->files_.exists(part));
}

TYPED_TEST(FilesTest, MakesDirectoriesAndRemoves) {
  const auto deep = this->dir_ / "a" / "b";
  EXPECT_EQ(this->files_.write(deep / "f", as_bytes("x")).error().kind(), ErrorKind::not_found);
  ASSERT_TRUE(this->files_.make_directories(deep, 0700).ok());
  ASSERT_TRUE(this->files_.make_directories(deep, 0700).ok());
  ASSERT_TRUE(this->files_.write(deep / "f", as_bytes("x")).ok());
  EXPECT_TRUE(this->files_.stat(deep)->directory);
  EXPECT_TRUE(this->files_.remove(deep / "f").ok());
  EXPECT_EQ(this->files_.remove(deep / "f").error().kind(), ErrorKind::not_found);
}

TYPED_TEST(FilesTest, ALockHasOneHolder) {
  const auto path = this->dir_ / "lock";
  {
    const auto held = this->files_.try_lock(path);
    ASSERT_TRUE(held.ok());
    EXPECT_EQ(this->files_.try_lock(path).error().kind(), ErrorKind::unavailable);
  }
  EXPECT_TRUE(this->files_.try_lock(path).ok());
}

TYPED_TEST(FilesTest, KnowsTheFreeSpaceOfWhatIsNotThereYet) {
  const Result<Bytes> space = this->files_.free_space(this->dir_ / "not" / "yet");
  ASSERT_TRUE(space.ok());
  EXPECT_GT(*space, 1_KiB);
}

TEST(FakeFiles, FailsFromTheChosenChangeOn) {
  FakeFiles files;
  ASSERT_TRUE(files.make_directories("/d", 0755).ok());
  files.fail_at_change(2, Error(ErrorKind::resource_exhausted, "disk full"));
  EXPECT_TRUE(files.write("/d/a", as_bytes("a")).ok());
  EXPECT_EQ(files.write("/d/b", as_bytes("b")).error().message(), "disk full");
  EXPECT_FALSE(files.write("/d/c", as_bytes("c")).ok());
  files.work_again();
  EXPECT_TRUE(files.write("/d/b", as_bytes("b")).ok());
  EXPECT_EQ(files.changes(), 5);
}

TEST(FakeFiles, AFailingAppendWritesHalf) {
  FakeFiles files;
  auto writer = files.append("/f");
  ASSERT_TRUE(writer.ok());
  files.fail_at_change(1, Error(ErrorKind::resource_exhausted, "disk full"));
  EXPECT_FALSE((*writer)->write(as_bytes("abcd")).ok());
  EXPECT_EQ(files.stat("/f")->size, Bytes{2});
}

}  // namespace
}  // namespace quern
