#include "inference/checkpoint_words.hpp"

#include "inference/test_checkpoint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quern::inference {
namespace {

using testing::CheckpointFolder;
using ::testing::HasSubstr;
using testing::TestCheckpoint;

std::string complaint(const std::string& bytes, std::uint32_t count) {
  const CheckpointFolder folder;
  const auto words = read_words(folder.put("tokenizer.bin", bytes), count);
  return words.ok() ? "fine" : words.error().describe();
}

TEST(CheckpointWords, AreSentencepieces) {
  const CheckpointFolder folder;
  const auto words = read_words(folder.put("tokenizer.bin", TestCheckpoint::words()), 300);
  ASSERT_TRUE(words.ok()) << words.error().describe();
  using Kind = CheckpointWord::Kind;
  EXPECT_EQ((*words)[1].text, "<s>");
  EXPECT_EQ((*words)[2].kind, Kind::control);
  EXPECT_EQ((*words)[13].text, "<0x0A>");
  EXPECT_EQ((*words)[13].kind, Kind::byte);
  EXPECT_EQ((*words)[299].text, "\u2581w299");
  EXPECT_EQ((*words)[299].kind, Kind::normal);
  EXPECT_EQ((*words)[299].score, -299.F);
}

TEST(CheckpointWords, ThatAreNotThisModelsAreRefused) {
  EXPECT_THAT(complaint(TestCheckpoint::words(10), 300), HasSubstr("ends after 10 words"));
  EXPECT_THAT(complaint("", 300), HasSubstr("ends after 0 words"));
  EXPECT_EQ(complaint(TestCheckpoint::words(300), 270), "fine");
  std::string large = TestCheckpoint::words();
  large[8] = large[9] = large[10] = large[11] = '\x7f';
  EXPECT_THAT(complaint(large, 300), HasSubstr("longer than can be"));
  const std::string once = TestCheckpoint::words(4);
  EXPECT_THAT(complaint(once + once.substr(once.size() - 14), 5), HasSubstr("comes twice"));
}

// llama.cpp ends the process over each of these, or has no way to say a byte.
TEST(CheckpointWords, ThatNoModelCanSpeakWithAreRefused) {
  std::string zeros = TestCheckpoint::words();  // " w298" and " w299", cut short by a zero
  for (const char* word : {" w298", " w299"}) zeros[zeros.find(word) + 2] = '\0';
  EXPECT_THAT(complaint(zeros, 300), HasSubstr("zero byte"));
  for (const std::uint32_t count : {1U, 2U}) {
    EXPECT_THAT(complaint(TestCheckpoint::words(), count), HasSubstr("stand for the unknown"));
  }
  std::string speechless = TestCheckpoint::words();
  speechless.replace(speechless.find("<0x41>"), 6, "(0x41)");
  EXPECT_THAT(complaint(speechless, 300), HasSubstr("'<0x41>' of a byte is missing"));
  EXPECT_THAT(complaint(TestCheckpoint::words(), 3), HasSubstr("'<0x00>'"));
}

TEST(CheckpointWords, ThatAreNotThereAreNamed) {
  const auto words = read_words("/nowhere/tokenizer.bin", 300);
  ASSERT_FALSE(words.ok());
  EXPECT_EQ(words.error().kind(), ErrorKind::not_found);
  EXPECT_THAT(words.error().describe(), HasSubstr("/nowhere/tokenizer.bin"));
}

}  // namespace
}  // namespace quern::inference
