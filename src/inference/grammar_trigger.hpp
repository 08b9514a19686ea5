// Waits in free text for what sets a lazy grammar off.
#pragma once

#include "inference/inference.hpp"

#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

namespace quern::inference {

class GrammarTrigger {
 public:
  // Throws std::regex_error.
  GrammarTrigger(const std::vector<std::string>& patterns, std::vector<Token> tokens);

  struct Piece {
    Token token;
    std::string text;  // perhaps only the end of the token's
  };
  // The answer goes on with `token`. Once it sets the grammar off: what that has to accept.
  std::optional<std::vector<Piece>> add(Token token, std::string_view text);

 private:
  struct Pattern {
    std::regex regex;
    bool from_begin;
    bool to_end;
  };
  std::optional<std::size_t> match(const Pattern& pattern) const;
  std::vector<Piece> pieces_from(std::size_t begin) const;
  void forget();

  std::vector<Pattern> patterns_;
  std::vector<Token> tokens_;
  std::vector<Piece> heard_;
  std::string text_;  // of heard_
};

}  // namespace quern::inference
