#include "inference/sampler.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

namespace quern::inference {
namespace {

SamplerOptions plain() {
  SamplerOptions options;
  options.temperature = 1;
  options.top_k = 0;
  options.top_p = 1;
  options.min_p = 0;
  options.seed = 42;
  return options;
}

std::map<Token, int> draw_many(const SamplerOptions& options, const std::vector<float>& logits,
                               int times = 4000) {
  Sampler sampler(options);
  std::map<Token, int> counts;
  for (int i = 0; i < times; ++i) ++counts[sampler.draw(logits, nullptr).value()];
  return counts;
}

std::vector<float> log_of(std::initializer_list<double> probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

class Only final : public Constraint {
 public:
  explicit Only(std::set<Token> tokens) : tokens_(std::move(tokens)) {}
  Result<bool> allows(Token token) override { return tokens_.contains(token); }
  Result<> mask(std::span<float> logits) override {
    ++masked;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      if (!tokens_.contains(static_cast<Token>(i))) {
        logits[i] = -std::numeric_limits<float>::infinity();
      }
    }
    return {};
  }
  Result<> accept(Token /*token*/) override { return {}; }
  int masked = 0;

 private:
  std::set<Token> tokens_;
};

TEST(Sampler, GreatestFindsTheFirstMaximumAnywhere) {
  for (std::size_t size = 1; size < 70; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      std::vector<float> logits(size, -3);
      logits[at] = 2;
      EXPECT_EQ(greatest(logits), static_cast<Token>(at));
    }
  }
  EXPECT_EQ(greatest(std::vector<float>{1, 5, 5, 2}), 1);
  EXPECT_EQ(greatest(std::vector<float>(3, -std::numeric_limits<float>::infinity())), 0);
}

TEST(Sampler, TemperatureZeroIsGreedy) {
  SamplerOptions options = plain();
  options.temperature = 0;
  EXPECT_EQ(draw_many(options, log_of({0.3, 0.4, 0.3}), 50).size(), 1U);
}

TEST(Sampler, DrawsInProportion) {
  const auto counts = draw_many(plain(), log_of({0.1, 0.6, 0.3}));
  EXPECT_NEAR(counts.at(0), 400, 80);
  EXPECT_NEAR(counts.at(1), 2400, 150);
  EXPECT_NEAR(counts.at(2), 1200, 150);
}

TEST(Sampler, TemperatureSharpensAndFlattens) {
  SamplerOptions options = plain();
  options.temperature = 0.5F;  // squares the odds
  EXPECT_NEAR(draw_many(options, log_of({0.75, 0.25})).at(1), 400, 80);
  options.temperature = 2;
  EXPECT_NEAR(draw_many(options, log_of({0.9, 0.1})).at(1), 1000, 120);
}

TEST(Sampler, CutsOffByTopKTopPAndMinP) {
  const auto logits = log_of({0.05, 0.5, 0.15, 0.3});
  SamplerOptions options = plain();
  options.top_k = 2;
  auto counts = draw_many(options, logits);
  EXPECT_EQ(counts.size(), 2U);
  EXPECT_NEAR(counts.at(3), 1500, 150);
  options = plain();
  options.top_p = 0.81F;  // 0.5 + 0.3 is not enough
  counts = draw_many(options, logits);
  EXPECT_EQ(counts.size(), 3U);
  EXPECT_FALSE(counts.contains(0));
  options = plain();
  options.min_p = 0.4F;  // of 0.5: at least 0.2
  EXPECT_EQ(draw_many(options, logits).size(), 2U);
}

TEST(Sampler, CutsOffInAVocabularyLargerThanTheFirstHeap) {
  std::vector<float> logits(5000);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    logits[i] = static_cast<float>(std::log(1.0 + static_cast<double>(i % 7)));
  }
  SamplerOptions options = plain();
  options.top_p = 0.9F;
  const auto counts = draw_many(options, logits, 600);
  EXPECT_GT(counts.size(), 400U);
  for (const auto& [token, count] : counts) EXPECT_NE(token % 7, 0);  // the last tenth
}

TEST(Sampler, SeedsRepeat) {
  const std::vector<float> logits(100, 0.F);
  const auto text = [&](std::uint32_t seed) {
    SamplerOptions options = plain();
    options.seed = seed;
    Sampler sampler(options);
    std::vector<Token> tokens;
    for (int i = 0; i < 30; ++i) tokens.push_back(sampler.draw(logits, nullptr).value());
    return tokens;
  };
  EXPECT_EQ(text(7), text(7));
  EXPECT_NE(text(7), text(8));
}

TEST(Sampler, LogitBias) {
  SamplerOptions options = plain();
  options.temperature = 0;
  options.logit_bias = {{0, -100.F}, {2, 5.F}};
  Sampler sampler(options);
  EXPECT_EQ(sampler.draw(std::vector<float>{900, 1, 0}, nullptr).value(), 2);
}

TEST(Sampler, PenaltiesLookBackOverTheirWindow) {
  SamplerOptions options = plain();
  options.temperature = 0;
  options.repeat_penalty = 2;
  options.repeat_last_n = 2;
  Sampler sampler(options);
  const std::vector<float> logits = {3, 2, -1};
  EXPECT_EQ(sampler.draw(logits, nullptr).value(), 0);
  sampler.remember(0);
  EXPECT_EQ(sampler.draw(logits, nullptr).value(), 1);  // 3 / 2 < 2
  sampler.remember(2);
  sampler.remember(2);  // 0 has left the window
  EXPECT_EQ(sampler.draw(logits, nullptr).value(), 0);
}

TEST(Sampler, PresenceOncePerTokenFrequencyEachTime) {
  SamplerOptions options = plain();
  options.temperature = 0;
  options.presence_penalty = 0.6F;
  Sampler presence(options);
  options.presence_penalty = 0;
  options.frequency_penalty = 0.6F;
  Sampler frequency(options);
  const std::vector<float> logits = {2, 1};
  for (Sampler* sampler : {&presence, &frequency}) {
    sampler->remember(0);
    EXPECT_EQ(sampler->draw(logits, nullptr).value(), 0);
    sampler->remember(0);
  }
  EXPECT_EQ(presence.draw(logits, nullptr).value(), 0);
  EXPECT_EQ(frequency.draw(logits, nullptr).value(), 1);
}

TEST(Sampler, AsksTheConstraintAndMasksOnlyWhenItMust) {
  SamplerOptions options = plain();
  options.temperature = 0;
  Sampler sampler(options);
  const std::vector<float> logits = {3, 2, 1};
  Only first({0, 2});
  EXPECT_EQ(sampler.draw(logits, &first).value(), 0);
  EXPECT_EQ(first.masked, 0);
  Only third({2});
  EXPECT_EQ(sampler.draw(logits, &third).value(), 2);
  EXPECT_EQ(third.masked, 1);
  Only nothing({});
  EXPECT_EQ(sampler.draw(logits, &nothing).error().kind(), ErrorKind::invalid_argument);
}

TEST(Sampler, LogProbabilities) {
  const auto result = log_probabilities(log_of({0.1, 0.6, 0.3}), 2, 2);
  EXPECT_NEAR(result.chosen.logprob, std::log(0.3), 1e-4);
  ASSERT_EQ(result.top.size(), 2U);
  EXPECT_EQ(result.top[0].token, 1);
  EXPECT_NEAR(result.top[0].logprob, std::log(0.6), 1e-4);
  EXPECT_EQ(result.top[1].token, 2);
}

TEST(Sampler, WhatIsResolvedIsChecked) {
  EXPECT_TRUE(resolve({}, {}, 100).ok());
  EXPECT_EQ(resolve({.temperature = 2.1F}, {}, 100).error().kind(), ErrorKind::invalid_argument);
  // What a model's file recommends is checked as well.
  EXPECT_FALSE(resolve({}, {.top_p = 7}, 100).ok());
  EXPECT_TRUE(resolve({.top_p = 1.F}, {.top_p = 7}, 100).ok());
}

}  // namespace
}  // namespace quern::inference
