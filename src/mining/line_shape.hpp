// A line's shape: its words and marks in order, with a hole for each thing that looks like a value.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quern::mining {

enum class TokenKind : std::uint8_t { word, mark, hole };

struct Token {
  std::uint32_t begin = 0;  // bytes of the line
  std::uint32_t end = 0;
  TokenKind kind = TokenKind::word;
  bool spaced = false;  // a blank stands before it
};

// In a key, what ends a token and what stands for a hole. Neither occurs in a word: control
// characters of a line are blanks.
inline constexpr char kTokenEnd = '\x01';
inline constexpr char kHole = '\x02';

// Reads one line after the other into the same memory.
class LineShape {
 public:
  // `line` must live as long as what is read out.
  void read(std::string_view line);

  std::span<const Token> tokens() const { return tokens_; }
  std::string_view text(const Token& token) const {
    return line_.substr(token.begin, token.end - token.begin);
  }
  // Lines with the same words and marks in the same order have the same key.
  std::string_view key() const { return key_; }

 private:
  void mark(std::uint32_t at);
  void word(std::uint32_t begin, std::uint32_t end);
  void put_hole(std::uint32_t begin, std::uint32_t end);
  bool ends_with_call() const;
  void write_key();

  std::string_view line_;
  std::vector<Token> tokens_;
  std::string key_;
  bool spaced_ = true;        // blanks were passed since the last token
  bool glued_paren_ = false;  // the last "(" followed its word at once
};

}  // namespace quern::mining
