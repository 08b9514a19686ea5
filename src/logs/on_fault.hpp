// What becomes of a record of which a filter failed, as `on_fault` of its table says.
#pragma once

#include "base/settings.hpp"

#include "logs/stage.hpp"

#include <cstdint>
#include <string_view>

namespace quern::logs {

enum class OnFault : std::uint8_t { pass, drop, dead_letter };

// Absent: pass.
Result<OnFault> read_on_fault(Settings& settings);

// Counts it, and does so.
void take_fault(Filtered& out, const Entry& entry, OnFault policy, std::string_view stage,
                std::string_view reason);

}  // namespace quern::logs
