// The body of POST /v1/completions as our types.
#pragma once

#include "llm.hpp"
#include "prompts.hpp"
#include "result.hpp"
#include "sampling_request.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace quern::chat {

// Prompts of one request; each is answered `choices` times.
inline constexpr std::size_t kMaxPrompts = 32;

struct CompletionRequest {
  std::string model;
  std::vector<Prompt> prompts;  // never empty
  llm::Sampling sampling;
  llm::Format format;
  std::uint32_t choices = 1;
  bool echo = false;
  StreamOptions streaming;
};

Outcome<CompletionRequest> read_completion_request(std::string_view body);

}  // namespace quern::chat
