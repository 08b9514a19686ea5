#include "inference/inference.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace quern::inference {
namespace {

std::string says(const Sampling& sampling) {
  const auto checked = check_sampling(sampling, 100);
  if (checked.ok()) return "ok";
  EXPECT_EQ(checked.error().kind(), ErrorKind::invalid_argument);
  return checked.error().message();
}

TEST(SamplingCheck, TheEdgesOfEveryRangeAreIn) {
  EXPECT_EQ(says({}), "ok");
  EXPECT_EQ(says({.max_tokens = 1, .temperature = 0, .top_k = 0, .top_p = 1, .min_p = 0}), "ok");
  EXPECT_EQ(says({.temperature = 2, .min_p = 1, .presence_penalty = -2, .frequency_penalty = 2}),
            "ok");
  EXPECT_EQ(says({.repeat_penalty = 0.01F, .repeat_last_n = 1U << 20U}), "ok");
  EXPECT_EQ(says({.logit_bias = {{99, 100}, {0, -100}}, .stop = {"a"}, .logprobs = 20}), "ok");
}

TEST(SamplingCheck, BeyondThemTheParameterIsNamedWithItsRange) {
  EXPECT_EQ(says({.max_tokens = 0}), "max_tokens must be 1 to 2147483647, not 0");
  EXPECT_EQ(says({.temperature = 2.5F}), "temperature must be 0 to 2, not 2.5");
  EXPECT_EQ(says({.temperature = -0.1F}), "temperature must be 0 to 2, not -0.1");
  EXPECT_EQ(says({.top_p = 0}), "top_p must be more than 0, up to 1, not 0");
  EXPECT_EQ(says({.min_p = 1.5F}), "min_p must be 0 to 1, not 1.5");
  EXPECT_EQ(says({.repeat_penalty = 0}), "repeat_penalty must be 0.01 to 10, not 0");
  EXPECT_EQ(says({.repeat_last_n = 1U << 21U}), "repeat_last_n must be 0 to 1048576, not 2097152");
  EXPECT_EQ(says({.presence_penalty = 3}), "presence_penalty must be -2 to 2, not 3");
  EXPECT_EQ(says({.frequency_penalty = -3}), "frequency_penalty must be -2 to 2, not -3");
  EXPECT_EQ(says({.logprobs = 21}), "logprobs must be 0 to 20, not 21");
  EXPECT_EQ(says({.logit_bias = {{1, 101}}}), "logit_bias must be -100 to 100, not 101");
  EXPECT_EQ(says({.logit_bias = {{100, 1}}}), "logit_bias names token 100; this model has 100");
  EXPECT_EQ(says({.stop = std::vector<std::string>(17, "x")}),
            "stop may hold at most 16 strings, not 17");
  EXPECT_EQ(says({.stop = {""}}), "stop holds an empty string");
  EXPECT_EQ(says({.stop = {std::string(1025, 'x')}}), "stop holds a string longer than 1024 bytes");
}

TEST(SamplingCheck, WhatIsNoNumberIsInNoRange) {
  const float nan = std::nanf("");
  const float infinite = std::numeric_limits<float>::infinity();
  for (const float odd : {nan, infinite, -infinite}) {
    EXPECT_NE(says({.temperature = odd}), "ok");
    EXPECT_NE(says({.top_p = odd}), "ok");
    EXPECT_NE(says({.min_p = odd}), "ok");
    EXPECT_NE(says({.repeat_penalty = odd}), "ok");
    EXPECT_NE(says({.presence_penalty = odd}), "ok");
    EXPECT_NE(says({.frequency_penalty = odd}), "ok");
    EXPECT_NE(says({.logit_bias = {{1, odd}}}), "ok");
  }
}

}  // namespace
}  // namespace quern::inference
