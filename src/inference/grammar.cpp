#include "inference/grammar.hpp"

#include "inference/backends.hpp"
#include "inference/schema_check.hpp"

#include <json-schema-to-grammar.h>
#include <llama.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace quern::inference {
namespace {

// llama.cpp's parser recurses at every bracket.
int depth_of(std::string_view grammar) {
  int depth = 0;
  int deepest = 0;
  for (const char c : grammar) {
    if (c == '(') deepest = std::max(deepest, ++depth);
    if (c == ')') --depth;
  }
  return deepest;
}

class LlamaGrammar final : public Constraint {
 public:
  LlamaGrammar(std::shared_ptr<const Weights> weights, llama_sampler* sampler, bool lazy)
      : weights_(std::move(weights)), sampler_(sampler), lazy_(lazy) {}
  ~LlamaGrammar() override { llama_sampler_free(sampler_); }

  bool allows(Token token) override {
    if (lost_) return true;
    llama_token_data one{.id = token, .logit = 1, .p = 0};
    llama_token_data_array array{.data = &one, .size = 1, .selected = -1, .sorted = false};
    llama_sampler_apply(sampler_, &array);
    return one.logit != -std::numeric_limits<float>::infinity();
  }

  void mask(std::span<float> logits) override {
    all_.resize(logits.size());
    for (std::size_t i = 0; i < logits.size(); ++i) {
      all_[i] = {.id = static_cast<Token>(i), .logit = logits[i], .p = 0};
    }
    llama_token_data_array array{
        .data = all_.data(), .size = all_.size(), .selected = -1, .sorted = false};
    llama_sampler_apply(sampler_, &array);
    for (std::size_t i = 0; i < array.size; ++i) {
      logits[static_cast<std::size_t>(array.data[i].id)] = array.data[i].logit;
    }
  }

  Result<> accept(Token token) override {
    if (lost_) return {};
    try {
      llama_sampler_accept(sampler_, token);
      return {};
    } catch (const std::exception& error) {
      // What set a lazy grammar off was not what it begins with: then the answer is free text.
      lost_ = lazy_;
      if (lost_) return {};
      return fail(ErrorKind::internal, std::string("the grammar lost its way: ") + error.what());
    }
  }

 private:
  std::shared_ptr<const Weights> weights_;
  llama_sampler* sampler_;
  const bool lazy_;
  bool lost_ = false;
  std::vector<llama_token_data> all_;
};

llama_sampler* compile(const llama_vocab* vocab, const GrammarSource& source) {
  if (!source.lazy) return llama_sampler_init_grammar(vocab, source.text.c_str(), "root");
  std::vector<const char*> patterns;
  for (const std::string& pattern : source.trigger_patterns) patterns.push_back(pattern.c_str());
  return llama_sampler_init_grammar_lazy_patterns(
      vocab, source.text.c_str(), "root", patterns.data(), patterns.size(),
      source.trigger_tokens.data(), source.trigger_tokens.size());
}

}  // namespace

Result<std::unique_ptr<Constraint>> make_grammar(std::shared_ptr<const Weights> weights,
                                                 const GrammarSource& source) {
  if (source.text.empty()) return fail(ErrorKind::invalid_argument, "the grammar is empty");
  if (source.text.size() > kLongestGrammar) {
    return fail(ErrorKind::invalid_argument, "the grammar is longer than 256 KiB");
  }
  if (depth_of(source.text) > kDeepestGrammar) {
    return fail(ErrorKind::invalid_argument, "the grammar is nested too deeply");
  }
  try {
    (void)take_last_complaint();
    llama_sampler* const sampler = compile(weights->vocab(), source);
    if (sampler == nullptr) {
      return fail(ErrorKind::invalid_argument,
                  "the grammar cannot be parsed: " + take_last_complaint());
    }
    std::unique_ptr<Constraint> grammar =
        std::make_unique<LlamaGrammar>(std::move(weights), sampler, source.lazy);
    for (const Token token : source.begun) TRY(grammar->accept(token));
    return grammar;
  } catch (const std::exception& error) {
    return fail(ErrorKind::invalid_argument,
                std::string("the grammar cannot be used: ") + error.what());
  }
}

Result<std::string> grammar_of_schema(const std::string& schema) {
  TRY(check_schema(schema));
  try {
    return json_schema_to_grammar(common_json::parse(schema), true);
  } catch (const std::exception& error) {
    return fail(ErrorKind::invalid_argument,
                std::string("the schema cannot be enforced: ") + error.what());
  }
}

Result<std::string> grammar_of_json_object() { return grammar_of_schema(R"({"type":"object"})"); }

}  // namespace quern::inference
