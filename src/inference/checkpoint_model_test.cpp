// A llama2.c checkpoint through the whole engine, beside a forward pass in plain loops.
#include "inference/inference.hpp"
#include "inference/test_checkpoint.hpp"
#include "inference/test_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>

namespace quern::inference {
namespace {

using testing::CheckpointFolder;
using ::testing::HasSubstr;
using testing::TestCheckpoint;
using Classifier = TestCheckpoint::Classifier;
using Vector = std::vector<float>;

// One sequence, one token after the other, as the paper has it (arXiv:2302.13971).
class Reference {
 public:
  explicit Reference(const TestCheckpoint& weights) : weights_(weights) {}

  // Natural logarithms of what comes next.
  Vector after(Token token) {
    const auto& embedding = weights_["embedding"];
    const auto row = embedding.begin() + token * std::ptrdiff_t{kWide};
    Vector x(row, row + kWide);
    for (std::uint32_t layer = 0; layer < TestCheckpoint::kLayers; ++layer) {
      add(x, attention(norm(x, "attention_norm", layer), layer));
      add(x, feed_forward(norm(x, "ffn_norm", layer), layer));
    }
    ++position_;
    return log_softmax(times(weights_.classifier(), 0, norm(x, "norm", 0), TestCheckpoint::kWords));
  }

 private:
  static constexpr std::uint32_t kWide = TestCheckpoint::kWide,
                                 kHeadWide = TestCheckpoint::kHeadWide,
                                 kKvWide = TestCheckpoint::kKvHeads * kHeadWide;

  static void add(Vector& x, const Vector& y) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += y[i];
  }
  static Vector log_softmax(Vector x) {
    const float most = *std::max_element(x.begin(), x.end());
    double sum = 0;
    for (const float value : x) sum += std::exp(value - most);
    for (float& value : x) value -= most + static_cast<float>(std::log(sum));
    return x;
  }
  static Vector times(const Vector& matrices, std::uint32_t layer, const Vector& x,
                      std::uint32_t rows) {
    Vector y(rows);
    const float* row = matrices.data() + layer * rows * x.size();
    for (std::uint32_t i = 0; i < rows; ++i, row += x.size()) {
      for (std::size_t j = 0; j < x.size(); ++j) y[i] += row[j] * x[j];
    }
    return y;
  }
  Vector norm(const Vector& x, const char* name, std::uint32_t layer) const {
    float squares = 0;
    for (const float value : x) squares += value * value;
    const float factor = 1 / std::sqrt(squares / kWide + 1e-5F);
    Vector y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      y[i] = weights_[name][layer * kWide + i] * factor * x[i];
    }
    return y;
  }
  void rotate(Vector& x) const {
    for (std::size_t i = 0; i < x.size(); i += 2) {
      const auto within = static_cast<float>(i % kHeadWide);
      const float angle = static_cast<float>(position_) * std::pow(10000.F, -within / kHeadWide);
      const float a = x[i], b = x[i + 1];
      x[i] = a * std::cos(angle) - b * std::sin(angle);
      x[i + 1] = a * std::sin(angle) + b * std::cos(angle);
    }
  }
  Vector attention(const Vector& x, std::uint32_t layer) {
    Vector query = times(weights_["wq"], layer, x, kWide);
    Vector key = times(weights_["wk"], layer, x, kKvWide);
    rotate(query), rotate(key);
    keys_[layer].push_back(key);
    values_[layer].push_back(times(weights_["wv"], layer, x, kKvWide));
    Vector mixed(kWide);
    for (std::uint32_t head = 0; head < TestCheckpoint::kHeads; ++head) {
      const std::size_t shared = head * TestCheckpoint::kKvHeads / TestCheckpoint::kHeads;
      Vector scores;
      for (const Vector& each : keys_[layer]) {
        float dot = 0;
        for (std::size_t i = 0; i < kHeadWide; ++i) {
          dot += query[head * kHeadWide + i] * each[shared * kHeadWide + i];
        }
        scores.push_back(dot / std::sqrt(static_cast<float>(kHeadWide)));
      }
      scores = log_softmax(scores);
      for (std::size_t t = 0; t < scores.size(); ++t) {
        for (std::size_t i = 0; i < kHeadWide; ++i) {
          mixed[head * kHeadWide + i] +=
              std::exp(scores[t]) * values_[layer][t][shared * kHeadWide + i];
        }
      }
    }
    return times(weights_["wo"], layer, mixed, kWide);
  }
  Vector feed_forward(const Vector& x, std::uint32_t layer) const {
    Vector gate = times(weights_["w1"], layer, x, TestCheckpoint::kHidden);
    const Vector up = times(weights_["w3"], layer, x, TestCheckpoint::kHidden);
    for (std::size_t i = 0; i < gate.size(); ++i) gate[i] *= up[i] / (1 + std::exp(-gate[i]));
    return times(weights_["w2"], layer, gate, kWide);
  }

  const TestCheckpoint& weights_;
  std::size_t position_ = 0;
  std::map<std::uint32_t, std::vector<Vector>> keys_, values_;
};

Result<std::shared_ptr<Model>> load(Engine& engine, const std::filesystem::path& path) {
  return engine.load({.name = "tiny", .path = path, .digest = {}});
}

class CheckpointModel : public ::testing::TestWithParam<std::tuple<std::uint32_t, Classifier>> {};

TEST_P(CheckpointModel, SaysWhatPlainLoopsSay) {
  const auto [version, classifier] = GetParam();
  const TestCheckpoint weights(version, classifier);
  const CheckpointFolder folder;
  const auto path = folder.put("tiny.bin", weights.bytes());
  folder.put("tokenizer.bin", TestCheckpoint::words());
  const auto engine = Engine::create_local({.threads = 1}).value();
  const auto loaded = load(*engine, path);
  ASSERT_TRUE(loaded.ok()) << loaded.error().describe();
  const auto& model = *loaded;
  EXPECT_EQ(model->info().context_tokens, TestCheckpoint::kContext);
  EXPECT_FALSE(model->info().chat);

  CompletionRequest request{.prompt = "the cheese", .sampling = {}, .format = {}};
  request.sampling.temperature = 0.F;
  request.sampling.max_tokens = 24;
  request.sampling.logprobs = 3;
  request.sampling.logit_bias = {{2, -100.F}};  // goes on
  const Answer answer = read_all(*model->complete(request, {}).value());
  ASSERT_FALSE(answer.error) << answer.error->describe();
  ASSERT_EQ(answer.logprobs.size(), 24U);

  Reference reference(weights);
  std::vector<Token> tokens{1};  // begin of text
  const auto prompt = model->tokenize(request.prompt, false).value();
  tokens.insert(tokens.end(), prompt.begin(), prompt.end());
  ASSERT_EQ(answer.finished->usage.prompt_tokens, tokens.size());
  Vector expected;
  for (const Token token : tokens) expected = reference.after(token);
  for (const TokenLogprobs& said : answer.logprobs) {
    for (const TokenProbability& each : said.top) {
      EXPECT_NEAR(each.logprob, expected[static_cast<std::size_t>(each.token)], 0.02);
    }
    expected = reference.after(said.chosen.token);
  }
}

INSTANTIATE_TEST_SUITE_P(Forms, CheckpointModel,
                         ::testing::Combine(::testing::Values(0U, 1U, 2U),
                                            ::testing::Values(Classifier::shared,
                                                              Classifier::own)));

TEST(CheckpointModelFile, WithoutItsVocabularySaysWhatIsMissing) {
  const CheckpointFolder folder;
  const auto path = folder.put("tiny.bin", TestCheckpoint(1, Classifier::shared).bytes());
  const auto engine = Engine::create_local({.threads = 1}).value();
  const auto loaded = load(*engine, path);
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().kind(), ErrorKind::not_found);
  EXPECT_THAT(loaded.error().describe(), HasSubstr("tokenizer.bin"));
}

}  // namespace
}  // namespace quern::inference
