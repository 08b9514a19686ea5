// The terminal is put into raw mode only while a line is edited, and driven with the few ECMA-48
// sequences that every terminal of today knows: erase below, cursor up, cursor right, bracketed
// paste. https://ecma-international.org/publications-and-standards/standards/ecma-48/
#include "cli/line_editor.hpp"

#include "base/text.hpp"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>

namespace quern::cli {
namespace {

constexpr char kEscape = '\x1b';
constexpr std::size_t kMaxEntries = 1000;
constexpr Bytes kMaxHistory = 4_MiB;
constexpr std::size_t kMaxMessage = std::size_t{1} << 20U;

constexpr char control(char letter) { return static_cast<char>(letter & 0x1f); }

// Raw mode, and back whatever happens.
class RawMode {
 public:
  RawMode() {
    active_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
    ::termios raw = before_;
    raw.c_iflag &= ~static_cast<::tcflag_t>(ICRNL | IXON | BRKINT | INPCK | ISTRIP);
    raw.c_lflag &= ~static_cast<::tcflag_t>(ECHO | ICANON | IEXTEN | ISIG);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (active_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
  }
  ~RawMode() {
    if (active_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
  }
  RawMode(const RawMode&) = delete;
  RawMode& operator=(const RawMode&) = delete;

 private:
  ::termios before_{};
  bool active_ = false;
};

// Bytes that came while no line was being read.
std::size_t typed_ahead() {
  int bytes = 0;
  return ::ioctl(STDIN_FILENO, FIONREAD, &bytes) == 0 ? static_cast<std::size_t>(bytes) : 0;
}

// An entry is one line of the file: line ends within it are written as \n.
std::string escaped(std::string_view text) {
  std::string line;
  for (const char c : text) {
    if (c == '\\') line += "\\\\";
    if (c == '\n') line += "\\n";
    if (c != '\\' && c != '\n') line += c;
  }
  return line;
}

std::string unescaped(std::string_view line) {
  std::string text;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\' || i + 1 == line.size()) {
      text += line[i];
    } else {
      ++i;
      text += line[i] == 'n' ? '\n' : line[i];
    }
  }
  return text;
}

}  // namespace

History::History(std::filesystem::path file, Files& files) : file_(std::move(file)), files_(files) {
  const Result<Buffer> kept = files_.read(file_, kMaxHistory);
  if (!kept) return;  // none yet, or not ours to read: then it begins empty
  for (const std::string_view line : split(as_text(*kept), '\n')) {
    if (!line.empty()) entries_.push_back(unescaped(line));
  }
}

void History::add(const std::string& text) {
  if (text.empty() || (!entries_.empty() && entries_.back() == text)) return;
  entries_.push_back(text);
  if (entries_.size() > kMaxEntries) entries_.erase(entries_.begin());
  std::string content;
  for (const std::string& entry : entries_) content += escaped(entry) + "\n";
  // Without a history one can still talk.
  constexpr std::uint32_t kPrivate = 0700;
  if (files_.make_directories(file_.parent_path(), kPrivate)) {
    (void)files_.write(file_, as_bytes(content));
  }
}

std::optional<std::string> History::back(std::size_t steps) const {
  if (steps >= entries_.size()) return std::nullopt;
  return entries_[entries_.size() - 1 - steps];
}

std::optional<std::string> LineEditor::read(std::string_view prompt) {
  const RawMode raw;
  buffer_.set("");
  steps_back_ = 0;
  drawn_row_ = 0;
  console_.out("\x1b[?2004h");  // pasted text comes marked
  Step step = Step::go_on;
  std::size_t ahead = typed_ahead();
  while (step == Step::go_on) {
    draw(prompt);
    std::optional<char> key = read_byte();
    // A terminal that reads lines itself keeps a Ctrl-D as a zero byte.
    if (ahead > 0 && key == '\0') key = control('D');
    if (ahead > 0) --ahead;
    step = key ? take_key(*key) : Step::end;
  }
  buffer_.end();
  draw(prompt);
  console_.out("\x1b[?2004l\r\n");
  if (step == Step::end) return std::nullopt;
  if (step == Step::drop) return "";
  history_.add(buffer_.text());
  return buffer_.text();
}

std::optional<char> LineEditor::read_byte() {
  for (;;) {
    char byte = 0;
    const ssize_t got = ::read(STDIN_FILENO, &byte, 1);
    if (got == 1) return byte;
    if (got < 0 && errno == EINTR) continue;
    return std::nullopt;
  }
}

LineEditor::Step LineEditor::enter() {
  if (!buffer_.text().ends_with("\\")) return Step::send;
  buffer_.end();
  buffer_.backspace();
  buffer_.insert("\n");
  return Step::go_on;
}

LineEditor::Step LineEditor::take_key(char key) {
  switch (key) {
    case '\r':
    case '\n': return enter();
    case kEscape: return take_escape();
    case control('C'): return Step::drop;
    case control('D'):
      if (buffer_.text().empty()) return Step::end;
      buffer_.erase();
      break;
    case control('H'):
    case '\x7f': buffer_.backspace(); break;
    case control('A'): buffer_.home(); break;
    case control('E'): buffer_.end(); break;
    case control('B'): buffer_.left(); break;
    case control('F'): buffer_.right(); break;
    case control('K'): buffer_.kill_to_end(); break;
    case control('U'): buffer_.kill_to_start(); break;
    case control('W'): buffer_.kill_word(); break;
    case control('P'): move_in_history(1); break;
    case control('N'): move_in_history(-1); break;
    case control('L'):
      console_.out("\x1b[H\x1b[2J");
      drawn_row_ = 0;
      break;
    default: take_character(key);
  }
  return Step::go_on;
}

void LineEditor::take_character(char first) {
  const auto code = static_cast<unsigned char>(first);
  if (code < 0x20 && first != '\t') return;
  std::string character(1, first);
  const int more = code >= 0xF0U ? 3 : code >= 0xE0U ? 2 : code >= 0xC0U ? 1 : 0;
  for (int i = 0; i < more; ++i) {
    const std::optional<char> next = read_byte();
    if (!next) return;
    character += *next;
  }
  if (buffer_.text().size() < kMaxMessage) buffer_.insert(character);
}

// CSI sequences: ESC [ digits letter. Alt-key: ESC letter.
LineEditor::Step LineEditor::take_escape() {
  const std::optional<char> kind = read_byte();
  if (!kind) return Step::end;
  if (*kind == 'b') buffer_.word_left();
  if (*kind == 'f') buffer_.word_right();
  if (*kind == '\r') buffer_.insert("\n");
  if (*kind != '[' && *kind != 'O') return Step::go_on;
  std::string numbers;
  std::optional<char> letter = read_byte();
  while (letter && (std::isdigit(static_cast<unsigned char>(*letter)) != 0 || *letter == ';')) {
    numbers += *letter;
    letter = read_byte();
  }
  if (!letter) return Step::end;
  const bool by_word = numbers.ends_with(";5") || numbers.ends_with(";3");
  switch (*letter) {
    case 'A': move_in_history(1); break;
    case 'B': move_in_history(-1); break;
    case 'C': by_word ? buffer_.word_right() : buffer_.right(); break;
    case 'D': by_word ? buffer_.word_left() : buffer_.left(); break;
    case 'H': buffer_.home(); break;
    case 'F': buffer_.end(); break;
    case '~': take_numbered(numbers); break;
    default: break;
  }
  return Step::go_on;
}

// ESC [ number ~
void LineEditor::take_numbered(std::string_view number) {
  if (number == "200") take_paste();
  if (number == "3") buffer_.erase();
  if (number == "1" || number == "7") buffer_.home();
  if (number == "4" || number == "8") buffer_.end();
}

void LineEditor::take_paste() {
  constexpr std::string_view kEnd = "\x1b[201~";
  std::string pasted;
  while (!pasted.ends_with(kEnd)) {
    const std::optional<char> next = read_byte();
    if (!next) return;
    pasted += *next == '\r' ? '\n' : *next;
  }
  pasted.resize(pasted.size() - kEnd.size());
  pasted = harmless(pasted);
  if (buffer_.text().size() + pasted.size() <= kMaxMessage) buffer_.insert(pasted);
}

void LineEditor::move_in_history(int steps) {
  if (steps < 0 && steps_back_ == 0) return;
  const std::size_t wanted = steps > 0 ? steps_back_ + 1 : steps_back_ - 1;
  if (wanted == 0) {
    buffer_.set(typed_);
  } else {
    std::optional<std::string> entry = history_.back(wanted - 1);
    if (!entry) return;
    if (steps_back_ == 0) typed_ = buffer_.text();
    buffer_.set(*std::move(entry));
  }
  steps_back_ = wanted;
}

// Draws all of it anew: up to its first row, erase below, write, and put the cursor where it
// belongs.
void LineEditor::draw(std::string_view prompt) {
  const std::size_t width = std::max<std::size_t>(console_.width(), 10);
  const std::string indent(columns_of(prompt), ' ');
  std::string screen = "\r";
  if (drawn_row_ > 0) screen += "\x1b[" + std::to_string(drawn_row_) + "A";
  screen += "\x1b[J";
  screen += prompt;
  std::size_t row = 0;
  std::size_t column = columns_of(prompt);
  std::size_t cursor_row = 0;
  std::size_t cursor_column = column;
  const std::string& text = buffer_.text();
  for (std::size_t at = 0; at <= text.size();) {
    if (at == buffer_.cursor()) {
      cursor_row = row;
      cursor_column = column;
    }
    if (at == text.size()) break;
    std::size_t next = at + 1;
    while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xC0U) == 0x80U) ++next;
    const std::string_view character = std::string_view(text).substr(at, next - at);
    const std::size_t columns = character == "\t" ? 1 : columns_of(character);
    if (character == "\n") {
      screen += "\r\n" + indent;
      ++row;
      column = indent.size();
    } else {
      if (column + columns > width - 1) {
        screen += "\r\n";
        ++row;
        column = 0;
      }
      screen += character == "\t" ? " " : character;
      column += columns;
    }
    at = next;
  }
  if (row > cursor_row) screen += "\x1b[" + std::to_string(row - cursor_row) + "A";
  screen += "\r";
  if (cursor_column > 0) screen += "\x1b[" + std::to_string(cursor_column) + "C";
  console_.out(screen);
  drawn_row_ = cursor_row;
}

}  // namespace quern::cli
