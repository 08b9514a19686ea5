// Reads GBNF, the notation in which llama.cpp's users write grammars.
#pragma once

#include "base/result.hpp"
#include "inference/inference.hpp"

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

namespace quern::inference {

// One thing that an alternative wants next.
struct GrammarItem {
  enum class Kind : std::uint8_t {
    end,          // of the alternative
    letter,       // `value` is a code point
    set,          // `value` is an index of GrammarRules::sets
    token,        // `value` is the one token that fits
    other_token,  // any token but `value`
    rule,         // `value` is an index of GrammarRules::rules
    repeat,       // that rule, at least `least` and at most `most` times
  };
  static constexpr std::uint32_t kWithoutEnd = std::numeric_limits<std::uint32_t>::max();

  Kind kind = Kind::end;
  std::uint32_t value = 0;
  std::uint32_t least = 0;
  std::uint32_t most = 0;
};

struct CharRange {
  char32_t first = 0;
  char32_t last = 0;
};

struct CharSet {
  bool inverted = false;
  std::vector<CharRange> ranges;  // in their order, with gaps between them

  bool has(char32_t letter) const;
  // Is any letter of this range in the set?
  bool meets(CharRange range) const;

 private:
  std::vector<CharRange>::const_iterator range_at(char32_t letter) const;
};

// Its size is at most in proportion to the text's: repetitions are counted, not written out.
struct GrammarRules {
  std::vector<GrammarItem> items;
  std::vector<CharSet> sets;
  std::vector<std::vector<std::uint32_t>> rules;  // where the alternatives begin in `items`
  std::uint32_t root = 0;                         // the rule of that name
};

// Bound the reader's time and its stack; real grammars stay far below.
constexpr std::size_t kLongestGrammar = 256U << 10U;
constexpr int kDeepestGrammar = 64;

// `token` finds the token that is written `<like this>`. invalid_argument names the line.
Result<GrammarRules> read_gbnf(std::string_view text,
                               const std::function<std::optional<Token>(std::string_view)>& token);

// The greatest product of bounded repetitions that stand in one another, as far as `most` is
// passed; an answer can be in as many places of the grammar at once.
bool repeats_more_than(const GrammarRules& rules, std::uint64_t most);

}  // namespace quern::inference
