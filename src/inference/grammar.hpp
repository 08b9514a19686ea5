// Grammars as Constraints: which tokens may come next, in bounded time.
#pragma once

#include "inference/constraint.hpp"
#include "inference/gbnf.hpp"
#include "inference/token_texts.hpp"

#include <memory>
#include <string>
#include <vector>

namespace quern::inference {

struct GrammarSource {
  std::string text;  // GBNF, start symbol `root`
  // Lazy: everything is allowed until one of these comes; patterns match from the answer's begin.
  bool lazy = false;
  std::vector<std::string> trigger_patterns;
  std::vector<Token> trigger_tokens;
  // What the prompt already holds of the answer.
  std::vector<Token> begun;
};

// What one look at the whole vocabulary may cost, in GrammarMachine's units: some ten milliseconds.
// A step of the model takes longer, so a grammar at this bound slows others, but holds up nobody.
constexpr std::uint64_t kWorkPerStep = 4'000'000;

// invalid_argument: not a grammar, or one that is beyond kLongestGrammar, kDeepestGrammar or, at
// its very beginning, kWorkPerStep. An answer that comes to a place beyond kWorkPerStep later on
// ends with the same error.
Result<std::unique_ptr<Constraint>> make_grammar(std::shared_ptr<const TokenTexts> tokens,
                                                 const GrammarSource& source);

// In schema_grammar.cpp. GBNF for a JSON Schema that check_schema() accepts; invalid_argument
// otherwise.
Result<std::string> grammar_of_schema(const std::string& schema);
// GBNF for any JSON object.
Result<std::string> grammar_of_json_object();

}  // namespace quern::inference
