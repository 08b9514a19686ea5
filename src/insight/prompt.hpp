// What the model is asked. Lines are an attacker's text: they stand between two marks that nobody
// can guess, cut, without control characters, and the model has no tools. Words of the model's chat
// template in them are mere text (inference/control_words.hpp).
#pragma once

#include "insight/insight.hpp"
#include "insight/verdict.hpp"
#include "insight/verdict_cache.hpp"

#include <memory>
#include <string>
#include <vector>

namespace quern::insight {

struct PromptOptions {
  std::string policy;              // what the person wants to know, in their words
  std::size_t line_bytes = 400;    // of a line that the model sees
  std::uint32_t max_tokens = 320;  // of an answer
};

// What a question is about.
struct Case {
  mining::TemplateId id = mining::kRest;
  About about = About::line;
  std::string text;                // of the template
  std::vector<std::string> lines;  // raw
  mining::Severity severity = mining::Severity::info;
  std::uint64_t count = 0;  // lines of the template until now
};

Question question_of(const Case& about, const PromptOptions& options, const Vocabulary& words,
                     const std::vector<std::shared_ptr<const Kept>>& examples);

// A question about a window: templates with their counts, one a line.
Question summary_question(const std::vector<std::string>& lines, const PromptOptions& options);
// The text of its answer; invalid_argument: it is none.
Result<std::string> parse_summary(std::string_view json);

// So many tokens will it take, as is reckoned before it is asked: one for three bytes of the
// question and all that the answer may have. Text of few words takes more; what it took is settled
// after.
std::uint64_t tokens_of(const Question& question);

}  // namespace quern::insight
