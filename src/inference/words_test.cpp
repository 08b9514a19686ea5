#include "inference/words.hpp"

#include <gtest/gtest.h>

namespace quern::inference {
namespace {

TEST(Words, SplitsBeforeTheSpace) {
  EXPECT_EQ(split_words("one two  three\n"),
            (std::vector<std::string_view>{"one", " two", "  three", "\n"}));
  EXPECT_TRUE(split_words("").empty());
}

TEST(Words, ComeBackAsTheyWere) {
  WordVocabulary vocabulary;
  const auto tokens = vocabulary.tokenize("a b a b ").value();
  EXPECT_EQ(tokens, (std::vector<Token>{0, 1, 2, 1, 3}));
  EXPECT_EQ(vocabulary.detokenize(tokens).value(), "a b a b ");
}

TEST(Words, UnknownNumbersAreRefused) {
  const WordVocabulary vocabulary;
  EXPECT_EQ(vocabulary.detokenize({0}).error().kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(vocabulary.detokenize({-1}).error().kind(), ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace quern::inference
