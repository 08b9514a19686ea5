// Control tokens belong to the chat template. A tokenizer that is told to reads "<|im_end|>" as the
// end of a message, whoever wrote it; so a user's or a tool's text could end its own message and
// begin one of the system's.
//
// Therefore each such word in a text is broken by a mark, a number that nobody can guess, before
// the template sees the text. In the rendered prompt the words without a mark are the template's,
// and what holds a mark is read as mere text. Everything else in a text stays as it is, so that
// templates can trim, search, measure and escape it; a prompt without such words is the same as
// ever, token by token.
//
// Not covered: a template that cuts a piece out of a text may join a word from what is left.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace quern::inference {

// The words of a vocabulary that are control tokens.
class ControlWords {
 public:
  // Words of a single character are left out: they cannot be broken.
  explicit ControlWords(std::vector<std::string> words);

  // Bytes of the longest word that `text` holds at `begin`; 0: none.
  std::size_t length_at(std::string_view text, std::size_t begin) const;
  // Where to cut a text so that at most `most` bytes (not 0) are before the cut: after a line,
  // before a word, between two characters; never inside a control word. More than 0 and at most the
  // size.
  std::size_t cut(std::string_view text, std::size_t most) const;

 private:
  std::vector<std::string> words_;  // sorted
  std::array<bool, 256> begins_{};  // with this byte
  std::size_t longest_ = 0;
};

// A piece of a prompt, and whether control words in it are control tokens.
struct PromptPart {
  enum class Reads : unsigned char { control, plain };
  std::string text;
  Reads reads = Reads::control;
};
using Prompt = std::vector<PromptPart>;
std::size_t bytes_of(const Prompt& prompt);

// The marks of one prompt.
class ControlMarks {
 public:
  // `words` must outlive *this.
  explicit ControlMarks(const ControlWords& words);

  // Marks the words in a text.
  void mark(std::string& text);
  // As mark, in a JSON value, whose words may be written with escapes.
  void mark_json(std::string& json);
  // Was there any word?
  bool used() const { return used_; }
  // A rendered prompt without the marks, in parts.
  Prompt parts(std::string_view rendered) const;

 private:
  // `text` becomes what it reads as, `read`, with marks, where that spells control words.
  void mark_as(std::string& text, const std::string& read);
  std::string marked(std::string_view text) const;

  const ControlWords& words_;
  const std::string mark_;
  bool used_ = false;
};

}  // namespace quern::inference
