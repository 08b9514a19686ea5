// Verdicts as JSON: what a model must answer, and what is believed of it.
#pragma once

#include "insight/insight.hpp"
#include "logs/msgpack.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace quern::insight {

// The words that a verdict may use.
struct Vocabulary {
  std::vector<std::string> classes;
  std::vector<std::string> actions;  // by name
};

inline constexpr std::size_t kLongestReason = 200;

// The grammar (GBNF, https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md) that
// forces an answer to be a verdict, and its rule `text`: some plain characters.
std::string grammar_of(const Vocabulary& words);
std::string text_rule(std::size_t longest);

// A grammar is not believed, either. invalid_argument says what is wrong.
Result<> check(const Verdict& verdict, const Vocabulary& words);
Result<Verdict> parse_verdict(std::string_view json, const Vocabulary& words);
Result<Verdict> read_verdict(ByteView map, const Vocabulary& words);

// The six pairs of a verdict; the caller opened the map.
inline constexpr std::uint32_t kVerdictPairs = 6;
void write_pairs(const Verdict& verdict, logs::msgpack::Writer& writer);
std::string to_json(const Verdict& verdict);

}  // namespace quern::insight
