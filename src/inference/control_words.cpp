#include "inference/control_words.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <random>
#include <utility>

namespace quern::inference {
namespace {

unsigned char byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

// Is this the second or a later byte of a character?
bool continues(std::string_view text, std::size_t at) {
  return (byte_at(text, at) & 0xC0U) == 0x80U;
}

std::size_t first_character(std::string_view word) {
  std::size_t length = 1;
  while (length < word.size() && continues(word, length)) ++length;
  return length;
}

// Digits: what templates do with letter case, blanks and JSON leaves them alone.
std::string make_mark() {
  constexpr std::size_t kDigits = 40;  // 132 bits
  std::random_device random;
  std::uniform_int_distribution<int> digit(0, 9);
  std::string mark;
  while (mark.size() < kDigits) mark += static_cast<char>('0' + digit(random));
  return mark;
}

// Collects a prompt's parts; a run is what lies between two control tokens.
class Parts {
 public:
  void add(char c) { run_ += c; }
  void mark() { marked_ = true; }
  void control(std::string_view word) {
    end_run();
    open_ += word;
  }
  Prompt end() {
    end_run();
    flush();
    return std::move(parts_);
  }

 private:
  // A whole run is read in one way, so that its tokens are those of the same text elsewhere.
  void end_run() {
    if (marked_) {
      flush();
      parts_.push_back({.text = std::move(run_), .reads = PromptPart::Reads::plain});
    } else {
      open_ += run_;
    }
    run_.clear();
    marked_ = false;
  }
  void flush() {
    if (!open_.empty()) parts_.push_back({.text = std::move(open_)});
    open_.clear();
  }

  Prompt parts_;
  std::string open_;  // of the next part in which control words count
  std::string run_;
  bool marked_ = false;
};

}  // namespace

ControlWords::ControlWords(std::vector<std::string> words) : words_(std::move(words)) {
  std::erase_if(words_, [](const std::string& word) {
    return word.empty() || first_character(word) == word.size();
  });
  std::sort(words_.begin(), words_.end());
  words_.erase(std::unique(words_.begin(), words_.end()), words_.end());
  for (const std::string& word : words_) {
    begins_.at(byte_at(word, 0)) = true;
    longest_ = std::max(longest_, word.size());
  }
}

std::size_t ControlWords::length_at(std::string_view text, std::size_t begin) const {
  if (begin >= text.size() || !begins_.at(byte_at(text, begin))) return 0;
  std::size_t found = 0;
  auto first = words_.begin();
  auto last = words_.end();
  // All of [first, last) begin with the `depth` bytes looked at and are longer.
  for (std::size_t depth = 0; first != last && begin + depth < text.size(); ++depth) {
    const unsigned char wanted = byte_at(text, begin + depth);
    first = std::partition_point(
        first, last, [&](const std::string& word) { return byte_at(word, depth) < wanted; });
    last = std::partition_point(
        first, last, [&](const std::string& word) { return byte_at(word, depth) == wanted; });
    if (first != last && first->size() == depth + 1) {
      found = depth + 1;
      ++first;
    }
  }
  return found;
}

std::size_t ControlWords::cut(std::string_view text, std::size_t most) const {
  if (text.size() <= most) return text.size();
  const std::string_view head = text.substr(0, most);
  if (const auto line = head.rfind('\n'); line != std::string_view::npos) return line + 1;
  if (const auto blank = head.rfind(' '); blank != std::string_view::npos && blank > 0)
    return blank;
  std::size_t cut = most;
  while (cut > 1 && continues(text, cut)) --cut;
  for (std::size_t begin = cut > longest_ ? cut - longest_ : 1; begin < cut; ++begin) {
    if (begin + length_at(text, begin) > cut) return begin;
  }
  return cut;
}

std::size_t bytes_of(const Prompt& prompt) {
  std::size_t bytes = 0;
  for (const PromptPart& part : prompt) bytes += part.text.size();
  return bytes;
}

ControlMarks::ControlMarks(const ControlWords& words) : words_(words), mark_(make_mark()) {}

void ControlMarks::mark(std::string& text) { mark_as(text, text); }

void ControlMarks::mark_json(std::string& json) {
  const auto value = nlohmann::ordered_json::parse(json, nullptr, false);
  if (value.is_discarded()) return mark(json);
  mark_as(json, value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

void ControlMarks::mark_as(std::string& text, const std::string& read) {
  std::string with = marked(read);
  if (with.size() == read.size()) return;
  text = std::move(with);
  used_ = true;
}

std::string ControlMarks::marked(std::string_view text) const {
  std::string with;
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t word = words_.length_at(text, i);
    if (word == 0) continue;
    const std::size_t cut = i + first_character(text.substr(i, word));
    with.append(text, done, cut - done);
    with += mark_;
    done = cut;
  }
  return with.append(text, done);
}

Prompt ControlMarks::parts(std::string_view rendered) const {
  Parts parts;
  for (std::size_t i = 0; i < rendered.size();) {
    if (rendered.substr(i).starts_with(mark_)) {
      parts.mark();
      i += mark_.size();
    } else if (const std::size_t word = words_.length_at(rendered, i); word > 0) {
      parts.control(rendered.substr(i, word));
      i += word;
    } else {
      parts.add(rendered[i++]);
    }
  }
  return parts.end();
}

}  // namespace quern::inference
