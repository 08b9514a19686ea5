#include "inference/model_file.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <utility>
#include <vector>

namespace quern::inference {
namespace {

// A small GGUF file with one tensor of 32 floats, written field by field so that a test can lie.
struct Gguf {
  std::string bytes;

  template <class Number>
  Gguf& number(Number value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Gguf& text(std::string_view value) {
    number<std::uint64_t>(value.size());
    bytes += value;
    return *this;
  }
  Gguf& pair(std::string_view key, std::string_view value) {
    return text(key).number<std::uint32_t>(8).text(value);
  }
  Gguf& pair(std::string_view key, std::uint32_t value) {
    return text(key).number<std::uint32_t>(4).number(value);
  }
  Gguf& header(std::uint64_t tensors, std::uint64_t pairs) {
    bytes += "GGUF";
    return number<std::uint32_t>(3).number(tensors).number(pairs);
  }
  Gguf& metadata(std::string_view first = "a", std::string_view second = "b") {
    pair("general.architecture", "llama").pair("llama.block_count", 1U);
    pair("tokenizer.ggml.model", "gpt2");
    text("tokenizer.ggml.tokens").number<std::uint32_t>(9).number<std::uint32_t>(8);
    return number<std::uint64_t>(2).text(first).text(second);
  }
  Gguf& tensor(std::uint64_t length, std::uint32_t type = 0, std::uint64_t offset = 0) {
    return text("w").number<std::uint32_t>(1).number(length).number(type).number(offset);
  }
  Gguf& data(std::size_t count) {
    bytes.resize((bytes.size() + 31) / 32 * 32);
    bytes.append(count, '\0');
    return *this;
  }
};

Gguf good() { return Gguf().header(1, 4).metadata().tensor(32).data(128); }

Result<> check_bytes(const std::string& bytes) {
  const auto path = std::filesystem::path(testing::TempDir()) / "quern_model_file_test.gguf";
  std::ofstream(path, std::ios::binary) << bytes;
  auto result = check_model_file(path);
  std::filesystem::remove(path);
  return result;
}

ErrorKind kind_of(const Gguf& file) {
  const auto result = check_bytes(file.bytes);
  EXPECT_FALSE(result.ok());
  return result.ok() ? ErrorKind::internal : result.error().kind();
}

TEST(ModelFile, AGoodOneIsAccepted) {
  const auto result = check_bytes(good().bytes);
  EXPECT_TRUE(result.ok()) << result.error().describe();
}

TEST(ModelFile, MissingEmptyAndForeignFiles) {
  EXPECT_EQ(check_model_file("/nowhere/model.gguf").error().kind(), ErrorKind::not_found);
  EXPECT_EQ(check_model_file(testing::TempDir()).error().kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(check_bytes("").error().kind(), ErrorKind::corrupt_data);
  EXPECT_EQ(check_bytes("PK\3\4 a zip file, say").error().kind(), ErrorKind::corrupt_data);
  EXPECT_EQ(check_bytes("GG").error().kind(), ErrorKind::corrupt_data);
}

TEST(ModelFile, EveryTruncationIsNoticed) {
  const std::string whole = good().bytes;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_EQ(check_bytes(whole.substr(0, length)).error().kind(), ErrorKind::corrupt_data)
        << length;
  }
}

TEST(ModelFile, ClaimsThatCannotBeTrue) {
  constexpr std::uint64_t kHuge = 0xFFFFFFFFFFFFFFF0;
  EXPECT_EQ(kind_of(Gguf().header(kHuge, 4).metadata()), ErrorKind::corrupt_data);
  EXPECT_EQ(kind_of(Gguf().header(1, kHuge).metadata()), ErrorKind::corrupt_data);
  EXPECT_EQ(kind_of(Gguf().header(1, 4).number(kHuge)), ErrorKind::corrupt_data);  // a key
  Gguf array = Gguf().header(1, 1);
  array.text("k").number<std::uint32_t>(9).number<std::uint32_t>(10).number(kHuge);
  EXPECT_EQ(kind_of(array), ErrorKind::corrupt_data);
  EXPECT_EQ(kind_of(Gguf().header(1, 1).text("k").number<std::uint32_t>(77)),
            ErrorKind::corrupt_data);
  EXPECT_EQ(kind_of(Gguf().header(1, 4).metadata().tensor(kHuge).data(128)),
            ErrorKind::corrupt_data);
  EXPECT_EQ(kind_of(Gguf().header(1, 4).metadata().tensor(0).data(128)), ErrorKind::corrupt_data);
  EXPECT_EQ(kind_of(Gguf().header(1, 4).metadata().tensor(32, 999).data(128)),
            ErrorKind::corrupt_data);
  EXPECT_EQ(kind_of(Gguf().header(1, 4).metadata().tensor(33, 2).data(128)),
            ErrorKind::corrupt_data);  // Q4_0 has blocks of 32
  EXPECT_EQ(kind_of(Gguf().header(1, 4).metadata().tensor(32, 0, kHuge).data(128)),
            ErrorKind::corrupt_data);
  EXPECT_EQ(kind_of(Gguf().header(1, 4).metadata().tensor(32, 0, 32).data(128)),
            ErrorKind::corrupt_data);
  EXPECT_EQ(kind_of(Gguf().header(2, 4).metadata().tensor(32).tensor(32).data(128)),
            ErrorKind::corrupt_data);  // twice the same name
}

TEST(ModelFile, MetadataThatWouldBeDividedBy) {
  Gguf file = Gguf().header(1, 5).metadata();
  file.pair("llama.embedding_length", 0U).tensor(32).data(128);
  const auto result = check_bytes(file.bytes);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind(), ErrorKind::corrupt_data);
  EXPECT_NE(result.error().describe().find("llama.embedding_length"), std::string::npos);
}

// llama.cpp would end the process over each of these.
TEST(ModelFile, MoreLayersOrExpertsThanThereIsRoomFor) {
  const auto with = [](const char* key, std::uint32_t value) {
    Gguf file = Gguf().header(1, 5);
    file.pair("general.architecture", "mamba").pair("tokenizer.ggml.model", "gpt2");
    file.pair("mamba.vocab_size", 2U).pair(key, value);
    file.text("tokenizer.ggml.tokens").number<std::uint32_t>(9).number<std::uint32_t>(8);
    return file.number<std::uint64_t>(2).text("a").text("b").tensor(32).data(128);
  };
  EXPECT_TRUE(check_bytes(with("mamba.block_count", 512).bytes).ok());
  EXPECT_EQ(kind_of(with("mamba.block_count", 513)), ErrorKind::corrupt_data);
  EXPECT_EQ(kind_of(with("mamba.expert_count", 1025)), ErrorKind::corrupt_data);
}

TEST(ModelFile, CountsThatContradictEachOther) {
  using Counts = std::vector<std::pair<const char*, std::uint32_t>>;
  const auto with = [](const Counts& counts) {
    Gguf file = Gguf().header(1, 4 + counts.size()).metadata();
    for (const auto& [key, value] : counts) file.pair(std::string("llama.") + key, value);
    return file.tensor(32).data(128);
  };
  const Counts good[] = {{{"expert_count", 1024}, {"expert_used_count", 8}},
                         {{"expert_count", 0}, {"expert_used_count", 0}, {"expert_group_count", 0}},
                         {{"expert_count", 8}, {"expert_used_count", 8}, {"expert_group_count", 1}},
                         {{"expert_count", 8},
                          {"expert_used_count", 2},
                          {"expert_group_count", 4},
                          {"expert_group_used_count", 2}},
                         {{"nextn_predict_layers", 1}}};
  for (const Counts& counts : good) {
    const auto checked = check_bytes(with(counts).bytes);
    EXPECT_TRUE(checked.ok()) << checked.error().describe();
  }
  const Counts bad[] = {{{"expert_count", 8}},
                        {{"expert_used_count", 2}},
                        {{"expert_count", 8}, {"expert_used_count", 9}},
                        {{"expert_group_count", 1}},
                        {{"expert_count", 8},
                         {"expert_used_count", 2},
                         {"expert_group_count", 3},
                         {"expert_group_used_count", 1}},
                        {{"expert_count", 8},
                         {"expert_used_count", 2},
                         {"expert_group_count", 4},
                         {"expert_group_used_count", 4}},
                        {{"nextn_predict_layers", 2}}};
  for (const Counts& counts : bad) {
    EXPECT_EQ(kind_of(with(counts)), ErrorKind::corrupt_data) << counts.back().first;
  }
}

TEST(ModelFile, AScalingThatNobodyKnows) {
  const auto with = [](const char* type) {
    Gguf file = Gguf().header(1, 5).metadata();
    return file.pair("llama.rope.scaling.type", type).tensor(32).data(128);
  };
  EXPECT_TRUE(check_bytes(with("yarn").bytes).ok());
  EXPECT_EQ(kind_of(with("other")), ErrorKind::unsupported);
}

TEST(ModelFile, AWordThatComesTwice) {
  const auto with = [](std::string_view first, std::string_view second) {
    return Gguf().header(1, 4).metadata(first, second).tensor(32).data(128);
  };
  EXPECT_EQ(kind_of(with("a", "a")), ErrorKind::corrupt_data);
  EXPECT_EQ(kind_of(with({"a\0x", 3}, {"a\0y", 3})), ErrorKind::corrupt_data);
  EXPECT_EQ(kind_of(with("[EMPTY_1]", "")), ErrorKind::corrupt_data);
  EXPECT_TRUE(check_bytes(with("", "").bytes).ok()) << "each is called by its number";
}

TEST(ModelFile, NoVocabularyNoModel) {
  Gguf file = Gguf().header(1, 1).pair("general.architecture", "llama").tensor(32).data(128);
  EXPECT_EQ(kind_of(file), ErrorKind::unsupported);
  EXPECT_EQ(kind_of(Gguf().header(0, 4).metadata()), ErrorKind::unsupported);  // no weights
}

TEST(ModelFile, FlippedBytesNeverCrashTheCheck) {
  const std::string whole = good().bytes;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char flip : {'\x01', '\x80', '\xFF'}) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ flip);
      (void)check_bytes(bytes);
    }
  }
}

}  // namespace
}  // namespace quern::inference
