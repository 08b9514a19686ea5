#include "inference/words.hpp"

namespace quern::inference {
namespace {
constexpr std::string_view kSpace = " \t\r\n";
}  // namespace

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const auto begin = text.find_first_not_of(kSpace);
    const auto end = begin == std::string_view::npos ? begin : text.find_first_of(kSpace, begin);
    words.push_back(text.substr(0, end));
    text.remove_prefix(words.back().size());
  }
  return words;
}

Result<std::vector<Token>> WordVocabulary::tokenize(std::string_view text) {
  std::vector<Token> tokens;
  const std::lock_guard lock(mutex_);
  for (const std::string_view word : split_words(text)) {
    const auto [at, is_new] = numbers_.try_emplace(std::string(word), Token(words_.size()));
    if (is_new && words_.size() == kMostWords) {
      numbers_.erase(at);
      return fail(ErrorKind::resource_exhausted, "the fake model's vocabulary is full");
    }
    if (is_new) words_.emplace_back(word);
    tokens.push_back(at->second);
  }
  return tokens;
}

Result<std::string> WordVocabulary::detokenize(const std::vector<Token>& tokens) const {
  std::string text;
  const std::lock_guard lock(mutex_);
  for (const Token token : tokens) {
    if (token < 0 || std::size_t(token) >= words_.size()) {
      return fail(ErrorKind::invalid_argument, "no token has the number " + std::to_string(token));
    }
    text += words_[std::size_t(token)];
  }
  return text;
}

}  // namespace quern::inference
