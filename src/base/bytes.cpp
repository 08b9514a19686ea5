#include "base/bytes.hpp"

#include "base/text.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

namespace quern {
namespace {

struct Unit {
  std::string_view name;
  unsigned shift;
};
// Largest first, so that to_string takes the first that fits.
constexpr std::array<Unit, 4> kUnits{{{.name = "TiB", .shift = 40},
                                      {.name = "GiB", .shift = 30},
                                      {.name = "MiB", .shift = 20},
                                      {.name = "KiB", .shift = 10}}};

Failure bad_size(std::string_view text, std::string_view why) {
  return fail(ErrorKind::invalid_argument, "\"" + std::string(text) +
                                               "\" is not a size: " + std::string(why) +
                                               " (examples: 4096, 64KiB, 256MiB, 1.5GiB)");
}

// "KiB", "K", "KB" and their lower-case forms all mean 1024: nobody grants memory in thousands.
bool names_unit(std::string_view suffix, std::string_view unit) {
  return equal_ignoring_case(suffix, unit) || equal_ignoring_case(suffix, unit.substr(0, 1)) ||
         (suffix.size() == 2 && equal_ignoring_case(suffix.substr(0, 1), unit.substr(0, 1)) &&
          equal_ignoring_case(suffix.substr(1), "b"));
}

}  // namespace

std::string to_string(Bytes size) {
  for (const Unit& unit : kUnits) {
    const std::uint64_t one = std::uint64_t{1} << unit.shift;
    if (size.count < one) continue;
    std::array<char, 40> text{};
    const double amount = static_cast<double>(size.count) / static_cast<double>(one);
    const int digits = size.count % one == 0 ? 0 : 1;
    std::snprintf(text.data(), text.size(), "%.*f %s", digits, amount, unit.name.data());
    return text.data();
  }
  return std::to_string(size.count) + " B";
}

Result<Bytes> parse_bytes(std::string_view text) {
  const std::string_view all = trim(text);
  const std::size_t digits = std::min(all.find_first_not_of("0123456789."), all.size());
  const Result<double> amount = parse_number<double>(all.substr(0, digits));
  if (!amount) return bad_size(text, "it must begin with a number");
  const std::string_view suffix = trim(all.substr(digits));
  double factor = 0;
  if (suffix.empty() || equal_ignoring_case(suffix, "b")) factor = 1;
  for (const Unit& unit : kUnits) {
    if (names_unit(suffix, unit.name)) factor = std::ldexp(1.0, static_cast<int>(unit.shift));
  }
  if (factor == 0) return bad_size(text, "the unit must be B, KiB, MiB, GiB or TiB");
  const double bytes = *amount * factor;
  // 2^63 leaves every later sum of two sizes in range.
  if (bytes >= std::ldexp(1.0, 63)) return bad_size(text, "it is too large");
  if (bytes != std::floor(bytes)) return bad_size(text, "it is not a whole number of bytes");
  return Bytes{static_cast<std::uint64_t>(bytes)};
}

}  // namespace quern
