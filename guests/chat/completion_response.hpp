// Text completions as OpenAI's API writes them, whole and in chunks: both are objects of type
// "text_completion", so one writer makes both.
#pragma once

#include "answers.hpp"
#include "delta.hpp"
#include "report.hpp"
#include "response_head.hpp"

#include <string>
#include <vector>

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

// What a response says about its cost: whole ones all of it, the last chunk of a stream the timings
// and, where it was asked for, the usage.
enum class Cost : std::uint8_t { none, timings, usage_and_timings };

std::string completion_json(const ResponseHead& head, const std::vector<CompletionChoice>& choices,
                            const Totals& totals, Cost cost);

}  // namespace quern::chat
