// The script of --fake-model: a model without weights, for the tests of everything around it.
//
//   [ {"when": "weather", "say": ["It ", "rains."], "delay_ms": 5},
//     {"when": "tool", "call": {"name": "now", "arguments": "{}"}},
//     {"when": "busy", "error": "resource_exhausted", "message": "the queue is full"},
//     {"say": ["Hello."]} ]
#pragma once

#include "base/result.hpp"
#include "inference/inference.hpp"

#include <string_view>
#include <vector>

namespace quern::cli {

// invalid_argument names the entry (from 1) and what is wrong with it.
Result<std::vector<inference::ScriptLine>> parse_fake_script(std::string_view json);

}  // namespace quern::cli
