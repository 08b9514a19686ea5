// All tokens of a vocabulary by their text, for whoever has to look at every one of them.
#pragma once

#include "inference/vocabulary.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quern::inference {

// Immutable, shared by threads. Control tokens have the text that they are written with.
class TokenTexts {
 public:
  explicit TokenTexts(const Vocabulary& vocabulary);

  // In the order of their texts, so that a common beginning is walked once. Tokens without a text
  // or that begin with a zero byte are not among them, nor those that end an answer.
  struct Entry {
    Token token;
    std::uint32_t shared;  // bytes that begin this text as they do the one before
  };
  std::span<const Entry> sorted() const { return sorted_; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(ends_.size()); }
  // Empty for a token that is not in `sorted` or does not exist.
  std::string_view text(Token token) const;
  bool ends(Token token) const;
  // The tokens that end an answer.
  std::span<const Token> endings() const { return endings_; }
  std::optional<Token> find(std::string_view text) const;

 private:
  std::string all_;                   // the texts, one after another
  std::vector<std::uint32_t> begin_;  // by token; and where the last one ends
  std::vector<bool> ends_;
  std::vector<Token> endings_;
  std::vector<Entry> sorted_;
};

}  // namespace quern::inference
