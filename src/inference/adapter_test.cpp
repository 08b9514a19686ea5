// Adapters through the whole engine, beside the same weights with what they add merged by hand.
#include "inference/adapter_file.hpp"
#include "inference/inference.hpp"
#include "inference/test_adapter.hpp"
#include "inference/test_checkpoint.hpp"
#include "inference/test_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quern::inference {
namespace {

using testing::CheckpointFolder;
using ::testing::HasSubstr;
using testing::TestAdapter;
using testing::TestCheckpoint;
constexpr auto kShared = TestCheckpoint::Classifier::shared;
constexpr auto kWide = TestCheckpoint::kWide;
constexpr auto kHidden = TestCheckpoint::kHidden;

class Adapters : public ::testing::Test {
 protected:
  Adapters() { folder_.put("tokenizer.bin", TestCheckpoint::words()); }

  Result<std::shared_ptr<Model>> load(const std::filesystem::path& path,
                                      std::vector<Adapter> adapters) {
    return engine_->load({.name = "model " + std::to_string(++loaded_),
                          .path = path,
                          .digest = {},
                          .adapters = std::move(adapters)});
  }
  // Natural logarithms of the three likeliest words of each step, by word.
  static std::vector<std::map<Token, float>> said(Model& model) {
    CompletionRequest request{.prompt = "the cheese", .sampling = {}, .format = {}};
    request.sampling.temperature = 0.F;
    request.sampling.max_tokens = 12;
    request.sampling.logprobs = 3;
    request.sampling.logit_bias = {{2, -100.F}};  // goes on
    const Answer answer = read_all(*model.complete(request, {}).value());
    EXPECT_FALSE(answer.error) << answer.error->describe();
    std::vector<std::map<Token, float>> steps;
    for (const TokenLogprobs& step : answer.logprobs) {
      steps.emplace_back();
      for (const TokenProbability& each : step.top) steps.back()[each.token] = each.logprob;
    }
    return steps;
  }
  static void expect_same(const std::vector<std::map<Token, float>>& one,
                          const std::vector<std::map<Token, float>>& other) {
    ASSERT_EQ(one.size(), other.size());
    for (std::size_t i = 0; i < one.size(); ++i) {
      for (const auto& [token, logprob] : one[i]) {
        const auto at = other[i].find(token);
        ASSERT_NE(at, other[i].end()) << "step " << i;
        EXPECT_NEAR(logprob, at->second, 0.02) << "step " << i;
      }
    }
  }
  static std::vector<float> embedded(Model& model) {
    std::promise<Result<Embeddings>> done;
    const auto embedding = model.embed(
        {"the cheese"}, {}, [&](Result<Embeddings> result) { done.set_value(std::move(result)); });
    return done.get_future().get().value().vectors.front();
  }

  const CheckpointFolder folder_;
  const std::filesystem::path plain_ = folder_.put("plain.bin", TestCheckpoint(1, kShared).bytes());
  const std::unique_ptr<Engine> engine_ = Engine::create_local({.threads = 1}).value();
  int loaded_ = 0;
};

TEST_F(Adapters, SayWhatTheMergedWeightsSay) {
  TestCheckpoint merged(1, kShared);
  TestAdapter one;
  one.add("blk.0.attn_output.weight", kWide, kWide);
  merged.add("wo", 0, one.delta(0.5F));
  one.add("blk.1.ffn_down.weight", kHidden, kWide);
  merged.add("w2", 1, one.delta(0.5F));
  TestAdapter other;
  other.add("blk.1.attn_v.weight", kWide, TestCheckpoint::kKvHeads * TestCheckpoint::kHeadWide);
  merged.add("wv", 1, other.delta(-2.F));
  const auto first = one.write(plain_.parent_path() / "one.gguf");
  const auto second = other.write(plain_.parent_path() / "other.gguf");

  const auto by_hand = load(folder_.put("merged.bin", merged.bytes()), {}).value();
  const auto adapted =
      load(plain_, {{.path = first, .scale = 0.5F}, {.path = second, .scale = -2}});
  ASSERT_TRUE(adapted.ok()) << adapted.error().describe();
  const auto bare = load(plain_, {}).value();
  const auto expected = said(*by_hand);
  expect_same(said(**adapted), expected);
  EXPECT_NE(said(*bare), expected) << "the adapters change nothing";
  // The same from cached prompts, and for vectors.
  expect_same(said(**adapted), expected);
  const auto ours = embedded(**adapted);
  const auto theirs = embedded(*by_hand);
  float far = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    EXPECT_NEAR(ours[i], theirs[i], 0.01);
    far = std::max(far, std::abs(ours[i] - embedded(*bare)[i]));
  }
  EXPECT_GT(far, 0.02) << "the adapters change nothing";
  // The other scale is another model.
  const auto weaker = load(plain_, {{.path = first, .scale = 0.1F}}).value();
  EXPECT_NE(said(*weaker), expected);
}

TEST_F(Adapters, ThatDoNotFitSayWhy) {
  const auto refused = [&](const TestAdapter& adapter, ErrorKind kind, const char* part,
                           const std::string& key = {}, const std::string& value = {}) {
    const auto path = adapter.write(plain_.parent_path() / "bad.gguf", key, value);
    const auto model = load(plain_, {{.path = path}});
    ASSERT_FALSE(model.ok()) << part;
    EXPECT_EQ(to_string(model.error().kind()), to_string(kind)) << model.error().describe();
    EXPECT_THAT(model.error().describe(), HasSubstr(part));
    EXPECT_THAT(model.error().describe(), HasSubstr("bad.gguf"));
  };
  TestAdapter good;
  good.add("blk.0.attn_output.weight", kWide, kWide);
  using Kind = ErrorKind;
  using Made = TestAdapter;
  refused(good, Kind::invalid_argument, "architecture gemma3, and this is one of llama",
          "general.architecture", Made::text("gemma3"));
  refused(good, Kind::invalid_argument, "no LoRA adapter", "general.type", Made::text("model"));
  refused(good, Kind::invalid_argument, "no LoRA adapter", "general.type", Made::u32(7));
  refused(good, Kind::invalid_argument, "no LoRA adapter", "adapter.type", Made::text("other"));
  refused(good, Kind::corrupt_data, "no 32-bit float", "adapter.lora.alpha", Made::u32(7));
  refused(good, Kind::corrupt_data, "not a finite number", "adapter.lora.alpha", Made::f32(NAN));
  refused(good, Kind::unsupported, "invoked by tokens", "adapter.alora.invocation_tokens",
          Made::u32s(5));
  TestAdapter half = good;
  half.halves.pop_back();
  refused(half, Kind::corrupt_data, "only lora_a of its two halves");
  TestAdapter torn = good;
  torn.halves[1].shape = {1, kWide};
  torn.halves[1].values.resize(kWide);
  refused(torn, Kind::corrupt_data, "do not fit each other");
  TestAdapter strange;
  strange.add("blk.9.attn_output.weight", kWide, kWide);
  refused(strange, Kind::invalid_argument, "does not exist in base model");
  TestAdapter large;
  large.add("blk.0.attn_output.weight", 2 * kWide, kWide);
  refused(large, Kind::invalid_argument, "incorrect shape");
  for (const char* const name : {"token_embd.weight", "blk.0.ffn_up_exps.weight"}) {
    TestAdapter other;
    other.add(name, kWide, kWide);
    refused(other, Kind::unsupported, name);
  }
  TestAdapter norm = good;
  norm.halves.push_back({"blk.0.attn_norm.weight", {kWide}, std::vector<float>(kWide)});
  refused(norm, Kind::unsupported, "neither half of a pair");
}

TEST_F(Adapters, ThatAreCutOffAreRefusedAtEveryByte) {
  TestAdapter good;
  good.add("blk.0.attn_output.weight", kWide, kWide);
  const auto path = good.write(plain_.parent_path() / "whole.gguf");
  ASSERT_TRUE(check_adapter_file(path, "llama").ok());
  const auto size = std::filesystem::file_size(path);
  for (std::uintmax_t left = size - 1; left < size;
       left -= std::min<std::uintmax_t>(left + 1, 37)) {
    std::filesystem::resize_file(path, left);
    EXPECT_FALSE(check_adapter_file(path, "llama").ok()) << left;
    if (left == 0) break;
  }
  EXPECT_EQ(check_adapter_file("/no/adapter.gguf", "llama").error().kind(), ErrorKind::not_found);
}

}  // namespace
}  // namespace quern::inference
