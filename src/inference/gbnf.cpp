// The notation: https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md
//
//     root  ::= greeting " "? name{1,3}      # an alternative is a sequence
//     name  ::= [A-Z] [a-z]* | <unknown>     # sets of letters, tokens
//
// A group, and whatever is repeated, becomes a rule without a name.
#include "inference/gbnf.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <string>
#include <utility>

namespace quern::inference {
namespace {

constexpr std::uint32_t kMostRepetitions = 1'000'000'000;
constexpr std::uint32_t kLastLetter = 0x10FFFF;
using Kind = GrammarItem::Kind;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_of_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || is_digit(c);
}

// The same letters in ranges that are in their order and do not touch.
std::vector<CharRange> joined(std::vector<CharRange> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const CharRange& a, const CharRange& b) { return a.first < b.first; });
  std::vector<CharRange> result;
  for (const CharRange& range : ranges) {
    if (result.empty() || range.first > result.back().last + 1) {
      result.push_back(range);
    } else {
      result.back().last = std::max(result.back().last, range.last);
    }
  }
  return result;
}

class Reader {
 public:
  Reader(std::string_view text, const std::function<std::optional<Token>(std::string_view)>& token)
      : text_(text), token_(token) {}

  Result<GrammarRules> read() {
    pass_blanks(Lines::many);
    while (!at_end()) TRY(rule());
    for (const auto& [name, rule] : names_) {
      if (read_.rules[rule].empty()) {
        return fail(ErrorKind::invalid_argument, "the grammar has no rule '" + name + "'");
      }
    }
    const auto root = names_.find("root");
    if (root == names_.end()) {
      return fail(ErrorKind::invalid_argument, "the grammar has no rule 'root'");
    }
    read_.root = root->second;
    return std::move(read_);
  }

 private:
  enum class Lines : std::uint8_t { one, many };
  using Items = std::vector<GrammarItem>;

  Failure wrong(const std::string& what) const {
    const auto line =
        1 + std::count(text_.begin(),
                       text_.begin() + static_cast<std::ptrdiff_t>(std::min(at_, text_.size())),
                       '\n');
    return fail(ErrorKind::invalid_argument,
                "the grammar's line " + std::to_string(line) + ": " + what);
  }

  bool at_end() const { return at_ >= text_.size(); }
  bool sees(char c) const { return !at_end() && text_[at_] == c; }
  bool takes(std::string_view word) {
    if (!text_.substr(std::min(at_, text_.size())).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  std::string_view take_while(bool (*fits)(char)) {
    const std::size_t begin = at_;
    while (!at_end() && fits(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }
  void pass_blanks(Lines lines) {
    const auto ends_line = [](char c) { return c == '\n' || c == '\r'; };
    while (!at_end()) {
      const char c = text_[at_];
      if (c == '#') {
        while (!at_end() && !ends_line(text_[at_])) ++at_;
      } else if (c == ' ' || c == '\t' || (lines == Lines::many && ends_line(c))) {
        ++at_;
      } else {
        return;
      }
    }
  }

  Result<> rule() {
    const std::string_view name = take_while(is_of_name);
    if (name.empty()) return wrong("the name of a rule is expected");
    const std::uint32_t rule = rule_named(name);
    pass_blanks(Lines::one);
    if (!takes("::=")) return wrong("'::=' is expected");
    pass_blanks(Lines::many);
    auto found = TRY(alternatives(0));
    read_.rules[rule] = std::move(found);
    if (!at_end() && !sees('\n') && !sees('\r')) {
      return wrong(std::string("'") + text_[at_] + "' is not expected here");
    }
    pass_blanks(Lines::many);
    return {};
  }

  Result<std::vector<std::uint32_t>> alternatives(int depth) {
    std::vector<std::uint32_t> found;
    for (;;) {
      found.push_back(TRY(sequence(depth)));
      if (!takes("|")) return found;
      pass_blanks(Lines::many);
    }
  }

  Result<std::uint32_t> sequence(int depth) {
    const Lines lines = depth > 0 ? Lines::many : Lines::one;
    Items items;
    std::size_t last = 0;  // where the last symbol begins
    int repeated = 0;      // how often that one is
    while (!at_end()) {
      const char c = text_[at_];
      if (c == '*' || c == '+' || c == '?' || c == '{') {
        if (++repeated > kDeepestGrammar) return wrong("nested too deeply");
        TRY(repeat(items, last, lines));
      } else if (is_of_name(c) || std::string_view("\"[<!(.").find(c) != std::string_view::npos) {
        last = items.size();
        repeated = 0;
        TRY(symbol(items, depth));
      } else {
        break;
      }
      pass_blanks(lines);
    }
    return keep(items);
  }

  Result<> symbol(Items& items, int depth) {
    if (takes("\"")) return literal(items);
    if (takes("[")) return set(items);
    if (takes("(")) return group(items, depth);
    if (sees('<') || sees('!')) return token(items);
    if (takes(".")) {
      CharSet all;
      all.inverted = true;
      items.push_back({.kind = Kind::set, .value = keep(std::move(all))});
      return {};
    }
    items.push_back({.kind = Kind::rule, .value = rule_named(take_while(is_of_name))});
    return {};
  }

  Result<> literal(Items& items) {
    while (!takes("\"")) items.push_back({.kind = Kind::letter, .value = TRY(letter())});
    return {};
  }

  Result<> set(Items& items) {
    CharSet set;
    set.inverted = takes("^");
    while (!takes("]")) {
      const char32_t first = TRY(letter());
      const bool range = sees('-') && at_ + 1 < text_.size() && text_[at_ + 1] != ']';
      if (range) ++at_;
      const char32_t last = range ? TRY(letter()) : first;
      if (first > last) return wrong("a range of letters ends before it begins");
      set.ranges.push_back({first, last});
    }
    if (set.ranges.empty()) return wrong("a set of letters is empty");
    set.ranges = joined(std::move(set.ranges));
    items.push_back({.kind = Kind::set, .value = keep(std::move(set))});
    return {};
  }

  Result<> group(Items& items, int depth) {
    if (depth >= kDeepestGrammar) return wrong("nested too deeply");
    pass_blanks(Lines::many);
    auto found = TRY(alternatives(depth + 1));
    if (!takes(")")) return wrong("')' is expected");
    items.push_back({.kind = Kind::rule, .value = keep_rule(std::move(found))});
    return {};
  }

  // <[17]> or <its text>
  Result<> token(Items& items) {
    const Kind kind = takes("!") ? Kind::other_token : Kind::token;
    const std::size_t begin = at_;
    if (takes("<[")) {
      const std::uint32_t number = TRY(count());
      if (!takes("]>")) return wrong("']>' is expected");
      items.push_back({.kind = kind, .value = number});
      return {};
    }
    const std::size_t end = text_.find('>', at_);
    if (!sees('<') || end == std::string_view::npos) return wrong("a token '<...>' is expected");
    at_ = end + 1;
    const std::string_view name = text_.substr(begin, at_ - begin);
    const std::optional<Token> found = token_(name);
    if (!found) return wrong("no token is written '" + std::string(name.substr(0, 64)) + "'");
    items.push_back({.kind = kind, .value = static_cast<std::uint32_t>(*found)});
    return {};
  }

  // What stands from `last` on becomes a rule of its own, unless it is one already.
  Result<> repeat(Items& items, std::size_t last, Lines lines) {
    if (last == items.size()) return wrong("nothing stands before this repetition");
    GrammarItem item{.kind = Kind::repeat, .most = GrammarItem::kWithoutEnd};
    if (takes("{")) {
      TRY(bounds(item, lines));
    } else {
      item.least = sees('+') ? 1 : 0;
      if (sees('?')) item.most = 1;
      ++at_;
    }
    if (items.size() == last + 1 && items.back().kind == Kind::rule) {
      item.value = items.back().value;
    } else {
      const auto begin = items.begin() + static_cast<std::ptrdiff_t>(last);
      item.value = keep_rule({keep(Items(begin, items.end()))});
    }
    items.resize(last);
    items.push_back(item);
    return {};
  }

  Result<> bounds(GrammarItem& item, Lines lines) {
    pass_blanks(lines);
    item.least = TRY(count());
    item.most = item.least;
    pass_blanks(lines);
    if (takes(",")) {
      pass_blanks(lines);
      item.most = sees('}') ? GrammarItem::kWithoutEnd : TRY(count());
      pass_blanks(lines);
    }
    if (!takes("}")) return wrong("'}' is expected");
    if (item.least > item.most) return wrong("a repetition's least is above its most");
    return {};
  }

  Result<std::uint32_t> count() {
    const std::string_view digits = take_while(is_digit);
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || number > kMostRepetitions) {
      return wrong("a number up to " + std::to_string(kMostRepetitions) + " is expected");
    }
    return number;
  }

  Result<std::uint32_t> letter() {
    if (at_end()) return wrong("the text ends too early");
    if (takes("\\")) return escaped();
    const auto lead = static_cast<unsigned char>(text_[at_++]);
    if (lead < 0x80) return lead;
    const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    std::uint32_t letter = lead & (0x3FU >> static_cast<unsigned>(more));
    for (int i = 0; i < more; ++i) {
      const unsigned byte = at_end() ? 0U : static_cast<unsigned char>(text_[at_++]);
      if ((byte & 0xC0U) != 0x80 || lead < 0xC0) return wrong("this is not UTF-8");
      letter = (letter << 6U) | (byte & 0x3FU);
    }
    return letter;
  }

  Result<std::uint32_t> escaped() {
    if (at_end()) return wrong("the text ends too early");
    const char c = text_[at_++];
    switch (c) {
      case 'x': return hex(2);
      case 'u': return hex(4);
      case 'U': return hex(8);
      case 't': return std::uint32_t{'\t'};
      case 'r': return std::uint32_t{'\r'};
      case 'n': return std::uint32_t{'\n'};
      case '\\':
      case '"':
      case '[':
      case ']':
      case '-': return static_cast<std::uint32_t>(c);
      default: return wrong(std::string("'\\") + c + "' is not an escape");
    }
  }

  Result<std::uint32_t> hex(std::size_t digits) {
    const std::string_view text = text_.substr(std::min(at_, text_.size()), digits);
    std::uint32_t letter = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), letter, 16);
    if (error != std::errc() || end != text.data() + digits) {
      return wrong(std::to_string(digits) + " hexadecimal digits are expected");
    }
    if (letter > kLastLetter) return wrong("there is no such letter");
    at_ += digits;
    return letter;
  }

  std::uint32_t rule_named(std::string_view name) {
    const auto known = names_.find(name);
    if (known != names_.end()) return known->second;
    return names_.emplace(name, keep_rule({})).first->second;
  }
  std::uint32_t keep_rule(std::vector<std::uint32_t> alternatives) {
    read_.rules.push_back(std::move(alternatives));
    return static_cast<std::uint32_t>(read_.rules.size() - 1);
  }
  std::uint32_t keep(const Items& items) {
    const auto begin = static_cast<std::uint32_t>(read_.items.size());
    read_.items.insert(read_.items.end(), items.begin(), items.end());
    read_.items.push_back({});
    return begin;
  }
  std::uint32_t keep(CharSet set) {
    read_.sets.push_back(std::move(set));
    return static_cast<std::uint32_t>(read_.sets.size() - 1);
  }

  const std::string_view text_;
  const std::function<std::optional<Token>(std::string_view)>& token_;
  std::size_t at_ = 0;
  std::map<std::string, std::uint32_t, std::less<>> names_;
  GrammarRules read_;
};

constexpr int kDeepestNest = 1000;

bool repeats_more(const GrammarRules& rules, std::uint32_t rule, std::uint64_t times,
                  std::uint64_t most, int depth) {
  if (times > most || depth > kDeepestNest) return true;
  for (std::uint32_t at : rules.rules[rule]) {
    for (; rules.items[at].kind != Kind::end; ++at) {
      const GrammarItem& item = rules.items[at];
      const bool counts = item.kind == Kind::repeat && item.most != GrammarItem::kWithoutEnd;
      const std::uint64_t inside = counts ? times * std::max(item.most, 1U) : times;
      if (item.kind != Kind::rule && item.kind != Kind::repeat) continue;
      if (repeats_more(rules, item.value, inside, most, depth + 1)) return true;
    }
  }
  return false;
}

}  // namespace

// The first range that does not end before `letter`.
std::vector<CharRange>::const_iterator CharSet::range_at(char32_t letter) const {
  return std::lower_bound(ranges.begin(), ranges.end(), letter,
                          [](const CharRange& own, char32_t at) { return own.last < at; });
}

bool CharSet::has(char32_t letter) const {
  const auto own = range_at(letter);
  return (own != ranges.end() && own->first <= letter) != inverted;
}

bool CharSet::meets(CharRange range) const {
  const auto own = range_at(range.first);
  if (own == ranges.end()) return inverted;
  if (!inverted) return own->first <= range.last;
  return own->first > range.first || own->last < range.last;
}

Result<GrammarRules> read_gbnf(std::string_view text,
                               const std::function<std::optional<Token>(std::string_view)>& token) {
  if (text.empty()) return fail(ErrorKind::invalid_argument, "the grammar is empty");
  if (text.size() > kLongestGrammar) {
    return fail(ErrorKind::invalid_argument, "the grammar is longer than 256 KiB");
  }
  return Reader(text, token).read();
}

bool repeats_more_than(const GrammarRules& rules, std::uint64_t most) {
  return repeats_more(rules, rules.root, 1, most, 0);
}

}  // namespace quern::inference
