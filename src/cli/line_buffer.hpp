// The text that is being edited, without a terminal: characters are whole UTF-8 sequences.
#pragma once

#include <string>
#include <string_view>

namespace quern::cli {

class LineBuffer {
 public:
  const std::string& text() const { return text_; }
  // Byte position of the cursor; always between two characters.
  std::size_t cursor() const { return cursor_; }

  void set(std::string text);
  void insert(std::string_view text);
  void backspace();
  void erase();
  void left();
  void right();
  void home() { cursor_ = 0; }
  void end() { cursor_ = text_.size(); }
  void word_left();
  void word_right();
  void kill_to_end() { text_.erase(cursor_); }
  void kill_to_start();
  void kill_word();

 private:
  std::size_t before(std::size_t at) const;
  std::size_t after(std::size_t at) const;

  std::string text_;
  std::size_t cursor_ = 0;
};

// Columns that a text takes on a terminal. Wide East Asian characters and emoji count as two,
// combining marks as none; a table of ranges, good enough to keep the cursor in its place.
std::size_t columns_of(std::string_view text);

}  // namespace quern::cli
