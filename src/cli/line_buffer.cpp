#include "cli/line_buffer.hpp"

#include <cstdint>
#include <utility>

namespace quern::cli {
namespace {

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }
bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t'; }

struct Decoded {
  char32_t code;
  std::size_t length;
};

// A byte that begins no character counts as one of its own.
Decoded decode(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  std::size_t length = 1;
  char32_t code = first;
  if (first >= 0xF0U) {
    length = 4;
    code = first & 0x07U;
  } else if (first >= 0xE0U) {
    length = 3;
    code = first & 0x0FU;
  } else if (first >= 0xC0U) {
    length = 2;
    code = first & 0x1FU;
  }
  if (length > text.size()) return {first, 1};
  for (std::size_t i = 1; i < length; ++i) {
    code = (code << 6U) | (static_cast<unsigned char>(text[i]) & 0x3FU);
  }
  return {code, length};
}

struct Range {
  char32_t first;
  char32_t last;
};

// Unicode 15, blocks whose characters are wide (East Asian Width W or F) or of no width.
constexpr Range kWide[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0x33FF},
                           {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},
                           {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},
                           {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},   {0x1F300, 0x1F64F},
                           {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
constexpr Range kNone[] = {{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD},
                           {0x0610, 0x061A}, {0x064B, 0x065F}, {0x200B, 0x200F},
                           {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}};

template <std::size_t Count>
bool within(const Range (&ranges)[Count], char32_t code) {
  for (const Range& range : ranges) {
    if (code >= range.first && code <= range.last) return true;
  }
  return false;
}

}  // namespace

void LineBuffer::set(std::string text) {
  text_ = std::move(text);
  cursor_ = text_.size();
}

void LineBuffer::insert(std::string_view text) {
  text_.insert(cursor_, text);
  cursor_ += text.size();
}

std::size_t LineBuffer::before(std::size_t at) const {
  if (at > 0) --at;
  while (at > 0 && continues(text_[at])) --at;
  return at;
}

std::size_t LineBuffer::after(std::size_t at) const {
  if (at < text_.size()) ++at;
  while (at < text_.size() && continues(text_[at])) ++at;
  return at;
}

void LineBuffer::backspace() {
  const std::size_t start = before(cursor_);
  text_.erase(start, cursor_ - start);
  cursor_ = start;
}

void LineBuffer::erase() { text_.erase(cursor_, after(cursor_) - cursor_); }
void LineBuffer::left() { cursor_ = before(cursor_); }
void LineBuffer::right() { cursor_ = after(cursor_); }

void LineBuffer::word_left() {
  while (cursor_ > 0 && is_space(text_[cursor_ - 1])) left();
  while (cursor_ > 0 && !is_space(text_[cursor_ - 1])) left();
}

void LineBuffer::word_right() {
  while (cursor_ < text_.size() && is_space(text_[cursor_])) right();
  while (cursor_ < text_.size() && !is_space(text_[cursor_])) right();
}

void LineBuffer::kill_to_start() {
  text_.erase(0, cursor_);
  cursor_ = 0;
}

void LineBuffer::kill_word() {
  const std::size_t end = cursor_;
  word_left();
  text_.erase(cursor_, end - cursor_);
}

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const Decoded next = decode(text);
    text.remove_prefix(next.length);
    if (within(kNone, next.code)) continue;
    columns += within(kWide, next.code) ? 2 : 1;
  }
  return columns;
}

}  // namespace quern::cli
