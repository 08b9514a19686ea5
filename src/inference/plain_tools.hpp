// Tool calls for models whose chat template knows none: the tools are described in the system
// message, a call is a JSON object of a fixed form, and a grammar holds the model to that form.
//
//     {"tool_calls": [{"name": "weather", "arguments": {"city": "Rome"}}]}
#pragma once

#include "inference/answer_parser.hpp"
#include "inference/inference.hpp"

#include <memory>
#include <string>
#include <vector>

namespace quern::inference {

// The conversation with the tools and earlier calls and results told in plain messages.
std::vector<Message> tell_tools(const std::vector<Message>& messages,
                                const std::vector<Tool>& tools);

// JSON Schema of an answer that calls these tools. A tool whose parameters cannot be enforced
// takes any object.
std::string schema_of_calls(const std::vector<Tool>& tools, bool parallel);

// Once an answer begins like this (a regular expression), it is a call.
inline constexpr const char* kCallsBegin = R"(^\s*(\{\s*"tool_calls"))";

// Passes on what is no call. A call goes out as it is written: its name once that is whole, then its
// arguments as they come, so that an answer cut by its length shows how far it came. In calls_parser.cpp.
std::unique_ptr<AnswerParser> make_calls_parser();

}  // namespace quern::inference
