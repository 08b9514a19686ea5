#include "mining/gate.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>

namespace quern::mining {
namespace {

// The weight of the newest window in the moving average.
constexpr double kNewest = 0.2;
// Sizes of one parameter differ by at least so much (in powers of ten), however alike they were.
constexpr double kLeastSpread = 0.15;
// Later is no time: nothing overflows beside it.
constexpr std::chrono::seconds kLatest{std::int64_t{1} << 40U};

// As line_shape.cpp takes them for a part of the value before them.
bool is_unit(std::string_view word) {
  static constexpr std::array<std::string_view, 15> kUnits{
      "", "B", "K", "M", "G", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "ms", "us", "ns"};
  return std::find(kUnits.begin(), kUnits.end(), word) != kUnits.end();
}

// With or without a unit: "12", "12ms", "12 ms".
std::optional<double> as_number(std::string_view text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [read, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || !std::isfinite(number)) return std::nullopt;
  const char* const unit = read != end && *read == ' ' ? read + 1 : read;
  if (!is_unit({unit, end})) return std::nullopt;
  return number;
}

}  // namespace

Reasons Gate::judge(const Sight& sight) {
  Known& known = known_[sight.seen.id];
  Reasons reasons;
  const bool bad = sight.severity <= options_.at_least;
  if (!std::exchange(known.begun, true)) known.window = std::min(sight.time, kLatest);
  if (!std::exchange(known.met, true)) {
    reasons.new_template = bad;
  } else if (sight.seen.id == kRest) {
    reasons.new_template = bad;  // any of them may be one
  } else {
    reasons.severity = bad && sight.severity < known.worst;
  }
  known.worst = std::min(known.worst, sight.severity);
  reasons.rate = unusual_rate(known, std::min(sight.time, kLatest));
  const std::size_t looked_at = std::min(sight.parameters.size(), options_.parameters);
  if (known.holes != sight.parameters.size()) {
    known.holes = sight.parameters.size();
    known.parameters.assign(looked_at, {});
  }
  for (std::size_t i = 0; i < looked_at; ++i) {
    if (known.parameters[i].learn(sight.parameters[i], options_.lines_to_learn))
      reasons.parameter = true;
  }
  return reasons;
}

bool Gate::unusual_rate(Known& known, std::chrono::seconds time) const {
  if (time >= known.window + options_.window) {
    const auto passed = (time - known.window) / options_.window;
    // Windows without a line count as such; after many the average is nothing anyhow.
    for (auto i = std::min<std::int64_t>(passed, 64); i > 0; --i) {
      known.usual += (known.windows == 0 ? 1.0 : kNewest) * (known.in_window - known.usual);
      known.in_window = 0;
      ++known.windows;
    }
    known.window += options_.window * passed;
    known.told = false;
  }
  ++known.in_window;
  if (known.told || known.windows < options_.windows_to_learn) return false;
  // At least one line a window is usual: what is rare may come twice.
  const double usual = std::max(known.usual, 1.0);
  known.told = known.in_window > usual + options_.deviations * std::sqrt(usual);
  return known.told;
}

bool Gate::Parameter::learn(std::string_view value, std::uint32_t lines_to_learn) {
  const bool enough = seen_ >= lines_to_learn;
  ++seen_;
  if (const std::optional<double> number = as_number(value)) return learn_number(*number, enough);
  return learn_word(value, enough);
}

// Welford's running mean and variance, of sizes.
bool Gate::Parameter::learn_number(double number, bool enough) {
  const double size = std::log10(1 + std::abs(number));
  const double spread = numbers_ > 1 ? std::sqrt(squares_ / (numbers_ - 1)) : 0;
  const bool unlike =
      enough && numbers_ * 2 > seen_ && std::abs(size - mean_) > 6 * std::max(spread, kLeastSpread);
  ++numbers_;
  const double before = size - mean_;
  mean_ += before / numbers_;
  squares_ += before * (size - mean_);
  return unlike;
}

bool Gate::Parameter::learn_word(std::string_view word, bool enough) {
  if (many_words_) return false;
  const std::uint64_t hash = std::hash<std::string_view>()(word);
  auto* const end = words_.begin() + words_known_;
  if (std::find(words_.begin(), end, hash) != end) return false;
  if (words_known_ == kFew) {
    many_words_ = true;
    return false;
  }
  words_[words_known_++] = hash;
  return enough;
}

}  // namespace quern::mining
