// Which parts of a line are values is decided by their looks, once for all programs:
//
//   digits, addresses, groups of hexadecimal digits       10.0.0.7:22  fe80::1  0xcafe  deadbeef
//   paths and web addresses                               /var/log/x?y=1  https://host/path
//   dotted names of three and more parts                  com.android.server.wm.Window
//   a text in quotes behind "name="                       tag="View Lock"
//   names of days, months and time zones                  Sat Jun 11 UTC
//   a name in capitals with its arguments                 LOCAL(0)
//
// Values side by side are one ("12:30:01,123", "512.0 KB"), so that lists of different length are
// of one shape; so are empty brackets and such with a value.
#include "mining/line_shape.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace quern::mining {
namespace {

enum Class : std::uint8_t {
  blank = 1,
  separator = 2,
  digit = 4,
  hex_letter = 8,
  lower = 16,
  upper = 32,
  ends_path = 64,
};

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (std::size_t c = 0; c <= 0x20; ++c) classes[c] = blank | ends_path;
  classes[0x7f] = blank | ends_path;
  for (const char c :
       {'=', ':', ',', ';', '(', ')', '[', ']', '{', '}', '<', '>', '"', '\'', '|'}) {
    classes[static_cast<std::uint8_t>(c)] = separator;
  }
  for (const char c : {'"', '\'', ',', ';', '(', ')', ']'}) {
    classes[static_cast<std::uint8_t>(c)] |= ends_path;
  }
  for (std::size_t c = '0'; c <= '9'; ++c) classes[c] = digit;
  for (std::size_t c = 'a'; c <= 'z'; ++c) classes[c] = lower | (c <= 'f' ? hex_letter : 0);
  for (std::size_t c = 'A'; c <= 'Z'; ++c) classes[c] = upper | (c <= 'F' ? hex_letter : 0);
  for (std::size_t c = 0x80; c <= 0xff; ++c) classes[c] = lower;  // letters of other alphabets
  return classes;
}
constexpr std::array<std::uint8_t, 256> kClasses = make_classes();

std::uint8_t class_of(char c) { return kClasses[static_cast<std::uint8_t>(c)]; }
bool is_hex(char c) { return (class_of(c) & (digit | hex_letter)) != 0; }
bool is_letter_or_digit(char c) { return (class_of(c) & (digit | lower | upper)) != 0; }

// Three or four letters in one number, so that a word is compared at once.
constexpr std::uint32_t packed(std::string_view word) {
  std::uint32_t number = 0;
  for (const char c : word) number = number << 8U | (static_cast<std::uint8_t>(c) | 0x20U);
  return number;
}

bool is_part_of_date(std::string_view word) {
  if (word.size() < 3 || word.size() > 4 || (class_of(word[0]) & upper) == 0) return false;
  switch (packed(word)) {
    case packed("mon"):
    case packed("tue"):
    case packed("wed"):
    case packed("thu"):
    case packed("fri"):
    case packed("sat"):
    case packed("sun"):
    case packed("jan"):
    case packed("feb"):
    case packed("mar"):
    case packed("apr"):
    case packed("may"):
    case packed("jun"):
    case packed("jul"):
    case packed("aug"):
    case packed("sep"):
    case packed("oct"):
    case packed("nov"):
    case packed("dec"):
    case packed("utc"):
    case packed("gmt"):
    case packed("est"):
    case packed("edt"):
    case packed("pst"):
    case packed("pdt"):
    case packed("cet"):
    case packed("cest"):
    case packed("cst"):
    case packed("cdt"):
    case packed("mst"):
    case packed("mdt"): return true;
    default: return false;
  }
}

bool is_unit(std::string_view word) {
  static constexpr std::array<std::string_view, 14> kUnits{
      "B", "K", "M", "G", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "ms", "us", "ns"};
  return word.size() <= 3 && std::find(kUnits.begin(), kUnits.end(), word) != kUnits.end();
}

bool looks_like_value(std::string_view word) {
  while (!word.empty() && word.back() == '.') word.remove_suffix(1);
  if (word.empty()) return false;
  std::uint8_t all = 0xff;
  std::uint8_t any = 0;
  std::size_t dots = 0;
  std::size_t slashes = 0;
  for (const char c : word) {
    all &= class_of(c);
    any |= class_of(c);
    dots += c == '.' ? 1 : 0;
    slashes += c == '/' ? 1 : 0;
  }
  if ((any & digit) != 0 || dots >= 2) return true;
  if (slashes > 0 && word.size() > 1 && (word[0] == '/' || slashes >= 2)) return true;
  return word.size() >= 6 && (all & hex_letter) != 0;
}

// The end of groups of up to four hexadecimal digits joined by at least two colons (a time, a
// hardware or IPv6 address) that begins at `at`; `at` when there is none.
std::size_t end_of_groups(std::string_view line, std::size_t at) {
  std::size_t end = at;
  std::size_t colons = 0;
  for (std::size_t i = at; colons <= 7;) {
    const std::size_t group = i;
    while (i < line.size() && i - group < 4 && is_hex(line[i])) ++i;
    const bool ends = i == line.size() || !is_letter_or_digit(line[i]);
    if (colons >= 2 && i > group && ends) end = i;
    if (i == line.size() || line[i] != ':') break;
    ++colons;
    ++i;
  }
  return end;
}

// The end of a path or web address that begins at `at`; `at` when there is none.
std::size_t end_of_path(std::string_view line, std::size_t at) {
  std::string_view rest = line.substr(at);
  for (const std::string_view scheme : {"https:/", "http:/"}) {
    if (rest.starts_with(scheme)) rest.remove_prefix(scheme.size());
  }
  if (rest.size() < 2 || rest[0] != '/' || (class_of(rest[1]) & ends_path) != 0) return at;
  std::size_t end = line.size() - rest.size();
  while (end < line.size() && (class_of(line[end]) & ends_path) == 0) ++end;
  return end;
}

}  // namespace

void LineShape::read(std::string_view line) {
  line_ = line;
  tokens_.clear();
  spaced_ = true;
  glued_paren_ = false;
  for (std::size_t at = 0; at < line.size();) {
    const char c = line[at];
    const std::uint8_t is = class_of(c);
    if ((is & blank) != 0) {
      spaced_ = true;
      ++at;
      continue;
    }
    std::size_t end = at;
    if (c == '/' || c == 'h') {
      if (at == 0 || spaced_ || line[at - 1] == '"') end = end_of_path(line, at);
    } else if (c == '"' && at > 0 && line[at - 1] == '=') {
      const std::size_t close = line.find('"', at + 1);
      if (close != std::string_view::npos && close > at + 1) end = close + 1;
    }
    if (end == at && (c == ':' || is_hex(c))) end = end_of_groups(line, at);
    if (end != at) {
      put_hole(static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(end));
    } else if ((is & separator) != 0) {
      mark(static_cast<std::uint32_t>(at));
      end = at + 1;
    } else {
      while (end < line.size() && (class_of(line[end]) & (blank | separator)) == 0) ++end;
      word(static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(end));
    }
    spaced_ = false;
    at = end;
  }
  write_key();
}

void LineShape::word(std::uint32_t begin, std::uint32_t end) {
  const std::string_view text = line_.substr(begin, end - begin);
  if (looks_like_value(text) || is_part_of_date(text)) return put_hole(begin, end);
  if (!tokens_.empty() && tokens_.back().kind == TokenKind::hole && is_unit(text)) {
    tokens_.back().end = end;
    return;
  }
  tokens_.push_back({begin, end, TokenKind::word, spaced_});
}

void LineShape::mark(std::uint32_t at) {
  if (line_[at] == '(') glued_paren_ = !spaced_;
  if (line_[at] == ')') {
    const bool empty = !tokens_.empty() && tokens_.back().kind == TokenKind::mark &&
                       line_[tokens_.back().begin] == '(';
    if (empty) tokens_.push_back({at, at, TokenKind::hole, false});
    if (ends_with_call()) {
      const std::uint32_t begin = tokens_[tokens_.size() - 3].begin;
      const bool spaced = tokens_[tokens_.size() - 3].spaced;
      tokens_.resize(tokens_.size() - 3);
      const bool was = spaced_;
      spaced_ = spaced;
      put_hole(begin, at + 1);
      spaced_ = was;
      return;
    }
  }
  tokens_.push_back({at, at + 1, TokenKind::mark, spaced_});
}

// NAME(hole, with the name in capitals and nothing between it and the bracket.
bool LineShape::ends_with_call() const {
  if (tokens_.size() < 3 || !glued_paren_) return false;
  const Token& name = tokens_[tokens_.size() - 3];
  const Token& open = tokens_[tokens_.size() - 2];
  if (tokens_.back().kind != TokenKind::hole || open.kind != TokenKind::mark ||
      line_[open.begin] != '(' || name.kind != TokenKind::word) {
    return false;
  }
  std::uint8_t any = 0;
  for (const char c : text(name)) any |= class_of(c);
  return (any & upper) != 0 && (any & lower) == 0 && (class_of(line_[name.begin]) & upper) != 0;
}

void LineShape::put_hole(std::uint32_t begin, std::uint32_t end) {
  if (!tokens_.empty() && tokens_.back().kind == TokenKind::hole) {
    tokens_.back().end = end;
    return;
  }
  if (tokens_.size() >= 2 && tokens_.back().kind == TokenKind::mark &&
      tokens_[tokens_.size() - 2].kind == TokenKind::hole) {
    const char between = line_[tokens_.back().begin];
    if (between == ':' || between == ',' || between == '|') {
      tokens_.pop_back();
      tokens_.back().end = end;
      return;
    }
  }
  tokens_.push_back({begin, end, TokenKind::hole, spaced_});
}

void LineShape::write_key() {
  key_.clear();
  for (const Token& token : tokens_) {
    if (token.kind == TokenKind::hole) {
      key_.push_back(kHole);
    } else {
      key_.append(text(token));
    }
    key_.push_back(kTokenEnd);
  }
}

}  // namespace quern::mining
