#include "inference/checkpoint.hpp"

#include "inference/test_checkpoint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace quern::inference {
namespace {

using testing::CheckpointFolder;
using ::testing::HasSubstr;
using testing::TestCheckpoint;
using Classifier = TestCheckpoint::Classifier;

class CheckpointFile : public ::testing::Test {
 protected:
  Result<std::optional<Checkpoint>> read(const std::string& bytes) {
    return read_checkpoint(folder_.put("model.bin", bytes));
  }
  // The file with another number at `offset`.
  static std::string with(std::string bytes, std::size_t offset, std::int32_t value) {
    std::memcpy(bytes.data() + offset, &value, sizeof value);
    return bytes;
  }

 private:
  CheckpointFolder folder_;
};

TEST_F(CheckpointFile, HasItsShapeInEveryVersion) {
  for (const std::uint32_t version : {0U, 1U, 2U}) {
    for (const auto classifier : {Classifier::shared, Classifier::own}) {
      const auto read = this->read(TestCheckpoint(version, classifier).bytes());
      ASSERT_TRUE(read.ok() && *read) << version;
      const Checkpoint& checkpoint = **read;
      EXPECT_EQ(checkpoint.embedding, 48U);
      EXPECT_EQ(checkpoint.feed_forward, 80U);
      EXPECT_EQ(checkpoint.heads, 6U);
      EXPECT_EQ(checkpoint.kv_heads, 2U);
      EXPECT_EQ(checkpoint.vocabulary, 300U);
      EXPECT_EQ(checkpoint.context, 64U);
      const std::size_t own = classifier == Classifier::own ? 1 : 0;
      EXPECT_EQ(checkpoint.tensors.size(), 2 * 9 + 2 + own);
      EXPECT_EQ(checkpoint.tensors.back().name == "output.weight", own == 1);
    }
  }
}

TEST_F(CheckpointFile, AnotherKindOfFileIsNone) {
  EXPECT_EQ(read("")->has_value(), false);
  EXPECT_EQ(read("GGUF" + std::string(1000, '\0'))->has_value(), false);
  EXPECT_EQ(read(std::string(1000, '\0'))->has_value(), false);
  const std::string good = TestCheckpoint(0, Classifier::shared).bytes();
  EXPECT_EQ(read(good + "x")->has_value(), false);
  EXPECT_EQ(read(good.substr(0, good.size() - 1))->has_value(), false);
  EXPECT_EQ(read_checkpoint("/nowhere")->has_value(), false);
}

TEST_F(CheckpointFile, OneThatIsDamagedSaysHow) {
  const std::string good = TestCheckpoint(1, Classifier::own).bytes();
  const auto complaint = [&](const std::string& bytes) {
    const auto read = this->read(bytes);
    return read.ok() ? std::string("fine") : read.error().describe();
  };
  EXPECT_THAT(complaint(good.substr(0, good.size() - 4)), HasSubstr("truncated"));
  EXPECT_THAT(complaint(good + "x"), HasSubstr("longer than its shape"));
  EXPECT_THAT(complaint(with(good, 4, 7)), HasSubstr("version is 7"));
  for (std::size_t number = 0; number < 7; ++number) {
    for (const std::int32_t value : {0, -1, 0x7fffffff}) {
      EXPECT_NE(complaint(with(good, 8 + 4 * number, value)), "fine") << number << ' ' << value;
    }
  }
  const std::string groups = TestCheckpoint(2, Classifier::shared).bytes();
  for (const std::int32_t size : {0, -1, 7, 1 << 20}) {
    EXPECT_NE(complaint(with(groups, 37, size)), "fine") << size;
  }
}

TEST_F(CheckpointFile, MoreLayersThanLlamaCppHasRoomForAreRefused) {
  // A hundred words, a width of 2: the file is as long as its shape says.
  const auto of_layers = [](std::int32_t layers) {
    std::string bytes;
    for (const std::int32_t number : {2, 1, layers, 1, 1, 100, 16}) {
      bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
    }
    const auto count = static_cast<std::size_t>(layers);
    return bytes + std::string(4 * (100 * 2 + count * (2 * 2 + 4 * 4 + 3 * 2) + 2 + 16 * 2), '\0');
  };
  EXPECT_TRUE(read(of_layers(512))->has_value());
  EXPECT_FALSE(read(of_layers(513))->has_value());
  EXPECT_FALSE(read(of_layers(600))->has_value());
}

TEST_F(CheckpointFile, MoreThanMemoryMayHoldIsRefused) {
  // Another width, and a file as long as it then has to be: almost all of it holes.
  const std::uint64_t wide = 6 * 8192, kv = 2 * 8192, hidden = 80, layers = 2, words = 300;
  const std::string small = TestCheckpoint(1, Classifier::shared).bytes();
  const CheckpointFolder folder;
  const auto path = folder.put("model.bin", with(small, 8, wide).substr(0, 256));
  std::filesystem::resize_file(
      path, 256 + 4 * (layers * (2 * wide + 2 * wide * wide + 2 * wide * kv + 3 * wide * hidden) +
                       wide + words * wide));
  const auto read = read_checkpoint(path);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().kind(), ErrorKind::resource_exhausted) << read.error().describe();
  EXPECT_THAT(read.error().describe(), HasSubstr("GiB of memory"));
}

}  // namespace
}  // namespace quern::inference
