// The body of POST /v1/chat/completions as our types.
#pragma once

#include "llm.hpp"
#include "result.hpp"
#include "sampling_request.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace quern::chat {

struct ChatRequest {
  std::string model;
  std::vector<llm::Message> messages;
  llm::ChatOptions options;
  std::uint32_t choices = 1;
  StreamOptions streaming;
};

// Every parameter of OpenAI's API is read, ignored on purpose or refused by name; llama.cpp's
// extensions top_k, min_p, repeat_penalty, grammar and the like are read too.
Outcome<ChatRequest> read_chat_request(std::string_view body);

}  // namespace quern::chat
