#include "cli/amounts.hpp"

#include "base/text.hpp"

#include <array>
#include <cstdio>

namespace quern::cli {
namespace {

struct Unit {
  std::string_view name;
  double milliseconds;
};
constexpr std::array<Unit, 4> kUnits{{{.name = "ms", .milliseconds = 1},
                                      {.name = "s", .milliseconds = 1e3},
                                      {.name = "m", .milliseconds = 6e4},
                                      {.name = "h", .milliseconds = 3.6e6}}};

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const std::string_view all = trim(text);
  const std::size_t digits = std::min(all.find_first_not_of("0123456789."), all.size());
  const Result<double> amount = parse_number<double>(all.substr(0, digits));
  std::string_view unit = trim(all.substr(digits));
  if (unit.empty()) unit = "s";
  // A year is more than any run of a program needs, and far from the ends of the clock.
  constexpr double kLongest = 366.0 * 24 * 3.6e6;
  for (const Unit& known : kUnits) {
    if (!amount.ok() || unit != known.name) continue;
    const double time = *amount * known.milliseconds;
    if (time > kLongest) break;
    return std::chrono::milliseconds(static_cast<std::int64_t>(time));
  }
  return fail(ErrorKind::invalid_argument,
              "\"" + std::string(text) +
                  "\" is not a duration of at most a year (examples: 500ms, 30s, 5m, 2h)");
}

std::string to_text(std::chrono::milliseconds time) {
  const double seconds = static_cast<double>(time.count()) / 1e3;
  if (seconds < 10) return decimal(seconds, 2) + " s";
  const std::int64_t whole = time.count() / 1000;
  if (whole < 60) return std::to_string(whole) + " s";
  if (whole < 3600) return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
  return std::to_string(whole / 3600) + " h " + std::to_string(whole % 3600 / 60) + " min";
}

std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string decimal(double number, int digits) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, number);
  return text.data();
}

}  // namespace quern::cli
