// The fake model's vocabulary: a token is a word with the white space before it, numbered in the
// order of first sight, so that detokenize(tokenize(text)) == text.
#pragma once

#include "base/result.hpp"
#include "inference/inference.hpp"

#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace quern::inference {

std::vector<std::string_view> split_words(std::string_view text);

// Any thread. Bounded: a vocabulary of kMostWords is full (resource_exhausted).
class WordVocabulary {
 public:
  static constexpr std::size_t kMostWords = 1'000'000;

  Result<std::vector<Token>> tokenize(std::string_view text);
  Result<std::string> detokenize(const std::vector<Token>& tokens) const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> words_;
  std::unordered_map<std::string, Token> numbers_;
};

}  // namespace quern::inference
