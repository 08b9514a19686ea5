// Reads what shapes a chat answer: tools, tool_choice, response_format and grammar.
#pragma once

#include "fields.hpp"
#include "llm.hpp"

namespace quern::chat {

// Fills tools, tool_choice and parallel_tool_calls.
void read_tools(Fields& fields, FirstError& error, llm::ChatOptions& options);

llm::Format read_format(Fields& fields, FirstError& error);

}  // namespace quern::chat
