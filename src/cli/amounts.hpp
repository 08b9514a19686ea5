// How a person writes and reads amounts: durations, times left, counts.
#pragma once

#include "base/result.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace quern::cli {

// "500ms", "30s", "1.5m", "2h"; a bare number is seconds. invalid_argument otherwise.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
// "0.42 s", "1 min 5 s", "2 h 3 min".
std::string to_text(std::chrono::milliseconds time);
// "1,234,567".
std::string with_commas(std::uint64_t number);
// "12.3", with that many digits after the point.
std::string decimal(double number, int digits);

}  // namespace quern::cli
