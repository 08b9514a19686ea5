// Read from the left to the right and written as msgpack as it comes: no tree, and no copy of a
// string that has no escapes. The size of a map is known at its end only, so its first byte waits
// and is replaced. Strict (https://www.rfc-editor.org/rfc/rfc8259): what is let through here is
// text of UTF-8 without lone surrogates, and numbers that 64 bits or a double hold.
#include "logs/json.hpp"

#include "base/utf8.hpp"

#include "logs/msgpack.hpp"
#include "logs/plain_text.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

namespace quern::logs {
namespace {

using msgpack::Writer;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

std::optional<unsigned> hex_digit(char c) {
  if (is_digit(c)) return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

class Reading {
 public:
  Reading(std::string_view json, Buffer& out) : json_(json), out_(out), writer_(out) {}

  // False: `wrong` says why, at `position`.
  bool run() {
    pass_space();
    if (!value(0)) return false;
    pass_space();
    return at_ == json_.size() || stop("more follows");
  }
  std::string_view wrong() const { return wrong_; }
  std::size_t position() const { return at_; }

 private:
  bool stop(std::string_view why) {
    wrong_ = why;
    return false;
  }
  // The next byte; zero at the end, where a zero byte is as wrong as the end.
  char peek() const { return at_ < json_.size() ? json_[at_] : '\0'; }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void pass_space() {
    while (at_ < json_.size() && is_space(json_[at_])) ++at_;
  }

  // Bounded by kDeepest, so that no text can exhaust the stack.
  bool value(std::size_t depth) {  // NOLINT(misc-no-recursion)
    switch (peek()) {
      case '{':
      case '[': return depth == msgpack::kDeepest ? stop("too deep") : items(depth);
      case '"': return string();
      case 't': return word("true") && (writer_.boolean(true), true);
      case 'f': return word("false") && (writer_.boolean(false), true);
      case 'n': return word("null") && (writer_.nil(), true);
      default: return number();
    }
  }

  // A map or an array.
  bool items(std::size_t depth) {  // NOLINT(misc-no-recursion)
    const bool map = json_[at_++] == '{';
    const char last = map ? '}' : ']';
    const std::size_t head = out_.size();
    out_.push_back(std::byte{0});
    std::uint32_t count = 0;
    pass_space();
    if (!take(last)) {
      do {
        pass_space();
        if (map && !key()) return false;
        if (!value(depth + 1)) return false;
        ++count;
        pass_space();
      } while (take(','));
      if (!take(last)) return stop(map ? "a comma or } is missing" : "a comma or ] is missing");
    }
    put_head(head, count, map ? 0x80 : 0x90, map ? 0xde : 0xdc);
    return true;
  }

  bool key() {
    if (peek() != '"') return stop("a key is missing");
    if (!string()) return false;
    pass_space();
    if (!take(':')) return stop("a colon is missing");
    pass_space();
    return true;
  }

  // `few`: the header of up to 15, `many` that with 16 bits, and with 32 behind it.
  void put_head(std::size_t at, std::uint32_t count, unsigned few, unsigned many) {
    if (count < 16) {
      out_[at] = static_cast<std::byte>(few | count);
      return;
    }
    Buffer more;
    const bool wide = count > 0xffff;
    out_[at] = static_cast<std::byte>(wide ? many + 1 : many);
    for (int shift = wide ? 24 : 8; shift >= 0; shift -= 8)
      more.push_back(static_cast<std::byte>(count >> static_cast<unsigned>(shift)));
    out_.insert(out_.begin() + static_cast<std::ptrdiff_t>(at) + 1, more.begin(), more.end());
  }

  bool word(std::string_view letters) {
    for (const char letter : letters) {
      if (!take(letter)) return stop("no value");
    }
    return true;
  }

  bool string() {
    const std::size_t begin = ++at_;
    if (!pass_characters()) return false;
    if (peek() == '"') {
      writer_.string(json_.substr(begin, at_++ - begin));
      return true;
    }
    unescaped_.assign(json_, begin, at_ - begin);
    while (take('\\')) {
      if (!escape()) return false;
      const std::size_t more = at_;
      if (!pass_characters()) return false;
      unescaped_.append(json_, more, at_ - more);
    }
    ++at_;  // the quote
    writer_.string(unescaped_);
    return true;
  }

  // Up to a quote or a backslash.
  bool pass_characters() {
    for (;;) {
      at_ += plain_prefix(json_.substr(at_));
      if (at_ == json_.size()) return stop("a string has no end");
      const char c = json_[at_];
      if (c == '"' || c == '\\') return true;
      const std::size_t bytes =
          static_cast<unsigned char>(c) < 0x80 ? 0 : first_character(json_.substr(at_)).bytes;
      if (bytes == 0) return stop("a byte that a string may not hold");
      at_ += bytes;
    }
  }

  bool escape() {
    static constexpr std::string_view kLetters = "\"\\/bfnrt";
    static constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    if (take('u')) return escaped_code();
    const std::size_t which = at_ < json_.size() ? kLetters.find(json_[at_]) : kLetters.npos;
    if (which == std::string_view::npos) return stop("an escape that JSON has not");
    ++at_;
    unescaped_.push_back(kMeant[which]);
    return true;
  }

  bool escaped_code() {
    const auto first = four_digits();
    if (!first) return stop("an escape without its four digits");
    char32_t code = *first;
    if (code >= 0xd800 && code < 0xe000) {
      if (code >= 0xdc00 || !take('\\') || !take('u')) return stop("half of a character");
      const auto second = four_digits();
      if (!second || *second < 0xdc00 || *second >= 0xe000) return stop("half of a character");
      code = 0x10000 + ((code - 0xd800) << 10U) + (*second - 0xdc00);
    }
    unescaped_ += to_utf8(code);
    return true;
  }

  std::optional<char32_t> four_digits() {
    if (json_.size() - at_ < 4) return std::nullopt;
    char32_t code = 0;
    for (int i = 0; i < 4; ++i) {
      const auto digit = hex_digit(json_[at_]);
      if (!digit) return std::nullopt;
      code = code << 4U | *digit;
      ++at_;
    }
    return code;
  }

  bool digits() {
    if (!is_digit(peek())) return stop("no value");
    while (is_digit(peek())) ++at_;
    return true;
  }

  bool number() {
    const std::size_t begin = at_;
    const bool negative = take('-');
    if (!take('0') && !digits()) return false;
    bool whole = true;
    if (take('.')) {
      whole = false;
      if (!digits()) return false;
    }
    if (take('e') || take('E')) {
      whole = false;
      if (!take('+')) take('-');
      if (!digits()) return false;
    }
    const std::string_view text = json_.substr(begin, at_ - begin);
    if (whole && put_whole(text, negative)) return true;
    double value = 0;
    // Too small or too large for a double: what it is nearest to cannot be told from here.
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc{})
      return stop("a number out of range");
    writer_.floating(value);
    return true;
  }

  // False: it is -0, or 64 bits do not hold it.
  bool put_whole(std::string_view text, bool negative) {
    const char* const end = text.data() + text.size();
    if (negative) {
      std::int64_t value = 0;
      if (std::from_chars(text.data(), end, value).ec != std::errc{} || value == 0) return false;
      writer_.integer(value);
      return true;
    }
    std::uint64_t value = 0;
    if (std::from_chars(text.data(), end, value).ec != std::errc{}) return false;
    writer_.natural(value);
    return true;
  }

  const std::string_view json_;
  std::size_t at_ = 0;
  Buffer& out_;
  Writer writer_;
  std::string unescaped_;
  std::string_view wrong_;
};

}  // namespace

Result<> from_json(std::string_view json, Buffer& out) {
  const std::size_t before = out.size();
  // msgpack is hardly ever longer; growing step by step costs more than the rest.
  if (out.capacity() - before < json.size())
    out.reserve(std::max(before + json.size(), 2 * out.capacity()));
  Reading reading(json, out);
  if (reading.run()) return {};
  out.resize(before);
  return fail(ErrorKind::corrupt_data, "no JSON at byte " + std::to_string(reading.position()) +
                                           ": " + std::string(reading.wrong()));
}

}  // namespace quern::logs
