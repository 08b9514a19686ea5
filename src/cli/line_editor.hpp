// Reads a message from a person at a terminal: editing keys, history, several lines.
//
// Enter sends; a line that ends with a backslash goes on; what is pasted keeps its line ends;
// Ctrl-C drops what was typed, Ctrl-D on an empty line ends.
#pragma once

#include "base/files.hpp"
#include "cli/console.hpp"
#include "cli/line_buffer.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace quern::cli {

// What was typed before, oldest first; kept in a file of at most 1000 entries, mode 0600.
class History {
 public:
  History(std::filesystem::path file, Files& files);
  void add(const std::string& text);
  // 0: the newest. Absent past the oldest.
  std::optional<std::string> back(std::size_t steps) const;

 private:
  const std::filesystem::path file_;
  Files& files_;
  std::vector<std::string> entries_;
};

class LineEditor {
 public:
  LineEditor(History& history, Console& console) : history_(history), console_(console) {}
  // Absent at the end of input. An empty text when Ctrl-C dropped the line. Only on a terminal.
  std::optional<std::string> read(std::string_view prompt);

 private:
  enum class Step : std::uint8_t { go_on, send, drop, end };
  Step take_key(char key);
  Step take_escape();
  Step enter();
  void take_character(char first);
  void take_numbered(std::string_view number);
  void take_paste();
  void move_in_history(int steps);
  std::optional<char> read_byte();
  void draw(std::string_view prompt);

  History& history_;
  Console& console_;
  LineBuffer buffer_;
  std::size_t steps_back_ = 0;  // 0: what is being typed, n: the n-th newest entry
  std::string typed_;           // kept while one looks at history
  std::size_t drawn_row_ = 0;   // row of the cursor within what was drawn last
};

}  // namespace quern::cli
