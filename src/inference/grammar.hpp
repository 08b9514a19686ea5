// Grammars as Constraints, on llama.cpp's GBNF engine.
#pragma once

#include "inference/constraint.hpp"
#include "inference/weights.hpp"

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

// invalid_argument: not a grammar, or one beyond kLongestGrammar and kDeepestGrammar.
Result<std::unique_ptr<Constraint>> make_grammar(std::shared_ptr<const Weights> weights,
                                                 const GrammarSource& source);

// Both bound the parser's stack and the time of a step; real grammars stay far below.
constexpr std::size_t kLongestGrammar = 256U << 10U;
constexpr int kDeepestGrammar = 64;

// GBNF for a JSON Schema that check_schema() accepts; invalid_argument otherwise.
Result<std::string> grammar_of_schema(const std::string& schema);
// GBNF for any JSON object.
Result<std::string> grammar_of_json_object();

}  // namespace quern::inference
