#include "inference/prefix_cache.hpp"

#include "inference/fake_decoder.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace quern::inference {
namespace {

std::vector<Token> run(Token from, std::size_t count) {
  std::vector<Token> tokens(count);
  std::iota(tokens.begin(), tokens.end(), from);
  return tokens;
}

std::vector<Token> join(std::vector<Token> a, const std::vector<Token>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

struct Bench {
  explicit Bench(std::uint32_t most_tokens = 1000, std::uint32_t cells = 1000, Bytes memory = 1_MiB)
      : decoder(cells, 10000),
        pool(decoder.shape().sequences),
        cache(decoder, pool, {.tokens = most_tokens, .memory = memory}) {}

  // As the scheduler does: attach, compute the rest, keep. Returns how much was found; checks that
  // the sequence then says what it would have said without a cache.
  std::uint32_t use(const std::vector<Token>& tokens, const std::string& space = "") {
    const Sequence sequence = pool.take().value();
    const std::span<const Token> all_but_last(tokens.data(), tokens.size() - 1);
    const std::uint32_t found = cache.attach(space, all_but_last, sequence, 0);
    std::vector<BatchToken> rest;
    for (std::uint32_t i = found; i < tokens.size(); ++i) {
      rest.push_back({tokens[i], i, sequence, i + 1 == tokens.size()});
    }
    EXPECT_EQ(decoder.decode(rest), Decoded::done);
    EXPECT_EQ(
        decoder.logits(rest.size() - 1)[static_cast<std::size_t>(FakeDecoder::answer_to(tokens))],
        1.F);
    cache.keep(space, tokens, sequence);
    decoder.drop(sequence, {0, 10000});
    pool.give_back(sequence);
    return found;
  }

  // As when others run who use nothing of what is cached.
  void empty_context() {
    cache.begin_marking();
    EXPECT_TRUE(cache.settle(100'000));
  }

  FakeDecoder decoder;
  SequencePool pool;
  PrefixCache cache;
};

TEST(PrefixCache, FindsTheLongestBeginning) {
  Bench bench;
  EXPECT_EQ(bench.use(run(0, 20)), 0U);
  EXPECT_EQ(bench.use(join(run(0, 20), run(30, 5))), 20U);
  EXPECT_EQ(bench.use(join(run(0, 10), run(40, 5))), 10U);  // splits the first
  EXPECT_EQ(bench.use(join(join(run(0, 10), run(40, 5)), run(50, 3))), 15U);
  EXPECT_EQ(bench.use(run(1, 20)), 0U);
  EXPECT_EQ(bench.cache.tokens(), 20U + 5 + 5 + 3 + 20);
  EXPECT_EQ(bench.decoder.used(), bench.cache.tokens());  // nothing is held twice
}

TEST(PrefixCache, TheLastTokenIsAlwaysComputed) {
  Bench bench;
  bench.use(run(0, 20));
  EXPECT_EQ(bench.use(run(0, 20)), 19U);
  EXPECT_EQ(bench.cache.tokens(), 20U);
}

TEST(PrefixCache, SpacesDoNotSeeEachOther) {
  Bench bench;
  bench.use(run(0, 20), "alice");
  EXPECT_EQ(bench.use(run(0, 20), "bob"), 0U);
  EXPECT_EQ(bench.use(run(0, 20), "alice"), 19U);
}

TEST(PrefixCache, ForgetsWhatWasUsedLongestAgo) {
  Bench bench(50);
  bench.use(run(0, 20));
  bench.use(run(20, 20));
  bench.use(run(0, 20));   // fresher than the other now
  bench.use(run(40, 20));  // one must go
  EXPECT_LE(bench.cache.tokens(), 50U);
  EXPECT_EQ(bench.use(run(0, 20)), 19U);
  EXPECT_EQ(bench.use(run(20, 20)), 0U);
}

TEST(PrefixCache, KeepsNothingThatIsTooLongOrWhenSwitchedOff) {
  Bench small(10);
  small.use(run(0, 20));
  EXPECT_EQ(small.cache.tokens(), 0U);
  Bench off(0);
  off.use(run(0, 5));
  EXPECT_EQ(off.use(run(0, 5)), 0U);
}

TEST(PrefixCache, SettlesOutOfTheContextAndComesBack) {
  Bench bench;
  bench.use(join(run(0, 20), run(30, 10)));
  bench.use(join(run(0, 20), run(50, 10)));
  bench.empty_context();
  EXPECT_EQ(bench.decoder.used(), 0U);
  EXPECT_EQ(bench.cache.cells(), 0U);
  EXPECT_EQ(bench.cache.tokens(), 40U);
  EXPECT_EQ(bench.use(join(run(0, 20), run(30, 12))), 30U);  // two nodes come back
  bench.empty_context();
  EXPECT_EQ(bench.use(join(run(0, 25), run(60, 2))), 20U);
  bench.empty_context();
  EXPECT_EQ(bench.use(join(run(0, 7), run(61, 2))), 7U);  // splits what is not in the context
}

TEST(PrefixCache, WhatIsInUseStaysInTheContext) {
  Bench bench;
  bench.use(join(run(0, 20), run(30, 10)));
  bench.use(join(run(0, 20), run(50, 10)));
  bench.use(run(5, 20));
  bench.cache.begin_marking();
  bench.cache.mark("", join(run(0, 20), run(50, 4)));
  EXPECT_FALSE(bench.cache.settle(1)) << "a node at a time";
  EXPECT_EQ(bench.cache.cells(), 50U) << "the oldest went first";
  EXPECT_TRUE(bench.cache.settle(1000));
  EXPECT_EQ(bench.cache.cells(), 30U);
}

TEST(PrefixCache, FreesCellsOneNodeAtATime) {
  Bench bench;
  bench.use(run(0, 20));
  bench.use(run(30, 20));
  EXPECT_TRUE(bench.cache.free_cells());
  EXPECT_EQ(bench.decoder.used(), 20U);
  EXPECT_TRUE(bench.cache.free_cells());
  EXPECT_FALSE(bench.cache.free_cells());
  EXPECT_EQ(bench.use(run(0, 20)), 19U);  // it was moved, not forgotten
}

TEST(PrefixCache, WithoutSavingFreeingForgets) {
  Bench bench;
  bench.decoder.saves = false;
  bench.use(join(run(0, 20), run(30, 10)));
  bench.use(join(run(0, 20), run(50, 10)));
  while (bench.cache.free_cells()) continue;
  EXPECT_EQ(bench.cache.tokens(), 0U);
  EXPECT_EQ(bench.decoder.used(), 0U);
}

// A node that makes room for another must not be one that the same call is about to use.
TEST(PrefixCache, WithoutSavingWhatIsAttachedStays) {
  Bench bench(1000, 50);
  const auto tokens = join(run(0, 20), run(30, 10));
  const auto fill = [&](std::uint32_t count) {
    std::vector<BatchToken> others;
    for (std::uint32_t i = 0; i < count; ++i) others.push_back({1, i, 63, false});
    ASSERT_EQ(bench.decoder.decode(others), Decoded::done);
  };
  const Sequence sequence = bench.pool.take().value();
  bench.use(run(0, 20));
  bench.empty_context();  // the upper node is outside the context, where others take its place
  fill(40);
  EXPECT_EQ(bench.cache.attach("", tokens, sequence, 0), 0U);
  bench.decoder.drop(63, {0, 50});
  std::vector<BatchToken> all;
  for (std::uint32_t i = 0; i < tokens.size(); ++i) all.push_back({tokens[i], i, sequence, false});
  ASSERT_EQ(bench.decoder.decode(all), Decoded::done);
  bench.cache.keep("", tokens, sequence);  // the lower node is in the context
  bench.decoder.drop(sequence, {0, 50});

  bench.decoder.saves = false;
  fill(30);
  EXPECT_EQ(bench.cache.attach("", tokens, sequence, 0), 0U);  // no room for the upper one
  EXPECT_EQ(bench.cache.tokens(), 30U);
}

TEST(PrefixCache, WhatLiesOutsideIsBoundedInBytes) {
  constexpr Bytes kTwoRuns{2 * 20 * 8};  // the fake's cells take eight bytes
  Bench bench(1000, 1000, kTwoRuns);
  for (Token i = 0; i < 3; ++i) {
    bench.use(run(i * 20, 20));
    bench.empty_context();
    EXPECT_LE(bench.cache.memory(), kTwoRuns);
  }
  EXPECT_EQ(bench.cache.tokens(), 40U);
  EXPECT_EQ(bench.use(run(40, 20)), 19U);
  EXPECT_EQ(bench.use(run(20, 20)), 19U);
  EXPECT_EQ(bench.use(run(0, 20)), 0U);  // the oldest went
}

TEST(PrefixCache, WhatIsTooLargeToLieOutsideStaysInTheContext) {
  Bench bench(1000, 1000, Bytes{100});
  bench.use(run(0, 20));
  bench.empty_context();
  EXPECT_EQ(bench.cache.memory(), Bytes{0});
  EXPECT_EQ(bench.cache.cells(), 20U);
  EXPECT_TRUE(bench.cache.free_cells());  // it has to go when the cells are needed
  EXPECT_EQ(bench.cache.tokens(), 0U);
}

TEST(PrefixCache, ForgettingGivesTheBytesBack) {
  Bench bench(50);
  for (Token i = 0; i < 10; ++i) {
    bench.use(run(i, 20));
    bench.empty_context();
    EXPECT_EQ(bench.cache.memory().count, bench.cache.tokens() * 8U);
  }
  bench.use(run(9, 10));
  bench.use(join(run(9, 5), run(40, 5)));  // splits, which drops the copy
  bench.empty_context();
  EXPECT_EQ(bench.cache.memory().count, bench.cache.tokens() * 8U);
}

TEST(PrefixCache, BringsBackOnlyWhatFits) {
  Bench bench(1000, 50);
  bench.use(run(0, 30));
  bench.empty_context();
  std::vector<BatchToken> others;
  for (std::uint32_t i = 0; i < 40; ++i) others.push_back({1, i, 63, false});
  ASSERT_EQ(bench.decoder.decode(others), Decoded::done);
  const Sequence sequence = bench.pool.take().value();
  const auto tokens = run(0, 30);
  EXPECT_EQ(bench.cache.attach("", tokens, sequence, 0), 0U);
}

TEST(PrefixCache, SurvivesMoreNodesThanSequences) {
  Bench bench(1000, 1000);
  for (Token i = 0; i < 60; ++i) bench.use(join(run(0, 3), {Token(i + 4), Token(i), 1}));
  for (Token i = 0; i < 60; ++i) {
    EXPECT_EQ(bench.use(join(run(0, 3), {Token(i + 4), Token(i), 1})), 5U) << i;
  }
}

TEST(PrefixCache, SlidingWindowUsesOnlyWhatIsWhole) {
  Bench bench;
  bench.decoder.change_shape().window = 8;
  bench.use(run(0, 30));
  for (Sequence i = 0; i < 64; ++i) bench.decoder.lost_before[i] = 20;
  const Sequence to = bench.pool.take().value();
  const auto all = run(0, 30);
  EXPECT_EQ(bench.cache.attach("", std::span(all).first(29), to, 0), 29U);  // sees from 21 on
  EXPECT_EQ(bench.cache.attach("", std::span(all).first(25), to, 0), 0U);   // would see from 17 on
}

TEST(PrefixCache, ModelsThatCannotShareAreLeftAlone) {
  FakeDecoder decoder;
  decoder.change_shape().shares = false;
  SequencePool pool(4);
  PrefixCache cache(decoder, pool, {.tokens = 100, .memory = 1_MiB});
  cache.keep("", run(0, 10), 0);
  EXPECT_EQ(cache.tokens(), 0U);
}

}  // namespace
}  // namespace quern::inference
