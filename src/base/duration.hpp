// Durations as a person writes them in a file.
#pragma once

#include "base/result.hpp"

#include <chrono>
#include <string_view>

namespace quern {

// "500ms", "30s", "10min", "2h": whole, above 0, at most a year. The unit is a must: a bare number
// would be a guess. invalid_argument otherwise.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace quern
