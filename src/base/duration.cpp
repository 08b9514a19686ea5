#include "base/duration.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

namespace quern {

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::uint64_t milliseconds;
  };
  constexpr Unit kUnits[] = {{"ms", 1}, {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}};
  constexpr std::uint64_t kLongest = 366ULL * 24 * 3'600'000;
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  for (const Unit& unit : kUnits) {
    if (trim(text.substr(digits)) != unit.name) continue;
    const auto number = parse_number<std::uint64_t>(text.substr(0, digits));
    if (number.ok() && *number > 0 && *number <= kLongest / unit.milliseconds) {
      return std::chrono::milliseconds(*number * unit.milliseconds);
    }
  }
  return fail(ErrorKind::invalid_argument,
              "\"" + std::string(text) +
                  "\" is no duration; write it like \"500ms\", \"30s\", \"10min\", \"2h\"");
}

}  // namespace quern
