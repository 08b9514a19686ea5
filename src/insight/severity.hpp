// How bad a line says it is.
#pragma once

#include "base/bytes.hpp"

#include "mining/gate.hpp"

#include <optional>
#include <string_view>

namespace quern::insight {

// "error", "WARN", "Fatal", "3": the words and numbers (RFC 5424) that programs use.
std::optional<mining::Severity> severity_named(std::string_view word);
std::string_view to_string(mining::Severity severity);

// What stands under `key` in the record; without a key under "severity", "level" and the like, or
// else the first such word in capitals at the line's beginning. info where nothing is said.
mining::Severity severity_of(ByteView record, std::string_view line, std::string_view key);

}  // namespace quern::insight
