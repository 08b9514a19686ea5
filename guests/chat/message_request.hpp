// Reads "messages": the conversation of a chat completion.
#pragma once

#include "fields.hpp"
#include "llm.hpp"

#include <vector>

namespace quern::chat {

// At least one message. Pictures and sound come as data; this program fetches no URL.
std::vector<llm::Message> read_messages(Fields& fields, FirstError& error);

}  // namespace quern::chat
