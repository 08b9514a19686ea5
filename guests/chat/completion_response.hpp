// Text completions as OpenAI's API writes them, whole and in chunks: both are objects of type
// "text_completion", so one writer makes both.
#pragma once

#include <string>
#include <vector>

#include "answers.hpp"
#include "delta.hpp"
#include "report.hpp"
#include "response_head.hpp"

namespace quern::chat {

struct CompletionChoice {
  std::size_t index = 0;
  std::string text;
  llm::Logprobs logprobs;
  bool with_logprobs = false;
  // Where `text` begins in the whole answer; "text_offset" counts from there, in bytes.
  std::size_t offset = 0;
  std::optional<llm::FinishReason> reason;
};

// `totals` null: no usage and no timings, as in all chunks but the last.
std::string completion_json(const ResponseHead& head, const std::vector<CompletionChoice>& choices,
                            const Totals* totals);

}  // namespace quern::chat
