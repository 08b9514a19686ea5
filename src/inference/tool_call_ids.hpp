// Names for tool calls that the model itself does not name, in the form of OpenAI's API.
#pragma once

#include <string>

namespace quern::inference {

// "call_" and 24 letters or digits; not guessable is not promised, unique is.
std::string make_tool_call_id();

}  // namespace quern::inference
