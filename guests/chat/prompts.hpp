// Reads what completions call "prompt" and embeddings "input": a text, texts, token ids, or lists
// of token ids.
#pragma once

#include "fields.hpp"
#include "llm.hpp"

#include <string>
#include <variant>
#include <vector>

namespace quern::chat {

using Prompt = std::variant<std::string, std::vector<std::uint32_t>>;

// At least one, at most `limit`; empty after an error.
std::vector<Prompt> read_prompts(Fields& fields, std::string_view name, std::size_t limit);

// Every prompt as text.
llm::Result<std::vector<std::string>> to_texts(const std::vector<Prompt>& prompts,
                                               llm::Model& model);

}  // namespace quern::chat
