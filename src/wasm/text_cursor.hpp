// A place in a short text that is read from left to right: what types and values of components are
// read with. Internal to wasm/.
#pragma once

#include <cstddef>
#include <string_view>

namespace quern::wasm {

class TextCursor {
 public:
  explicit TextCursor(std::string_view text) : text_(text) {}

  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }
  // Blanks before it are passed over.
  bool take(char wanted) {
    if (!sees(wanted)) return false;
    ++at_;
    return true;
  }
  bool sees(char wanted) {
    skip_blanks();
    return at_ < text_.size() && text_[at_] == wanted;
  }
  bool at_end() {
    skip_blanks();
    return at_ == text_.size();
  }
  // The longest run of characters that `fits` takes; may be empty.
  template <class Fits>
  std::string_view run(Fits fits) {
    skip_blanks();
    const std::size_t begin = at_;
    while (at_ < text_.size() && fits(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }
  // The next character as it is; '\0' at the end.
  char next() { return at_ < text_.size() ? text_[at_++] : '\0'; }

  std::size_t at() const { return at_; }
  void go_back(std::size_t at) { at_ = at; }
  std::string_view rest() const { return text_.substr(at_); }
  std::string_view since(std::size_t begin) const { return text_.substr(begin, at_ - begin); }

 private:
  static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

  std::string_view text_;
  std::size_t at_ = 0;
};

// Of labels as WIT has them: "user-name".
inline bool is_label_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

}  // namespace quern::wasm
