#include "inference/inference.hpp"
#include "inference/sampling_ranges.hpp"

#include <cmath>
#include <cstdio>

namespace quern::inference {
namespace {

std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", value);
  return text;
}
std::string shown(std::uint32_t value) { return std::to_string(value); }
// Six digits are what a float knows.
std::string shown(float value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", static_cast<double>(value));
  return text;
}

Failure out_of_range(const char* name, const std::string& range, const std::string& value) {
  return fail(ErrorKind::invalid_argument,
              std::string(name) + " must be " + range + ", not " + value);
}

// Rounded as the value was: 0.01 as a float is a little less than 0.01. NaN is in no range.
template <class Number>
bool holds(const SamplingRange& range, Number value) {
  return value >= static_cast<Number>(range.least) && value <= static_cast<Number>(range.most);
}

template <class Number>
Result<> check(const char* name, const std::optional<Number>& value, const SamplingRange& range) {
  if (!value || holds(range, *value)) return {};
  return out_of_range(name, shown(range.least) + " to " + shown(range.most), shown(*value));
}

Result<> check_bias(const std::pair<std::uint32_t, float>& bias, std::uint32_t vocabulary) {
  if (bias.first >= vocabulary) {
    return fail(ErrorKind::invalid_argument, "logit_bias names token " +
                                                 std::to_string(bias.first) + "; this model has " +
                                                 std::to_string(vocabulary));
  }
  return check("logit_bias", std::optional(bias.second), SamplingRanges::logit_bias);
}

Result<> check_stops(const std::vector<std::string>& stops) {
  if (stops.size() > SamplingRanges::most_stops) {
    return fail(ErrorKind::invalid_argument, "stop may hold at most " +
                                                 std::to_string(SamplingRanges::most_stops) +
                                                 " strings, not " + std::to_string(stops.size()));
  }
  for (const std::string& stop : stops) {
    if (stop.empty()) return fail(ErrorKind::invalid_argument, "stop holds an empty string");
    if (stop.size() > SamplingRanges::longest_stop) {
      return fail(ErrorKind::invalid_argument, "stop holds a string longer than " +
                                                   std::to_string(SamplingRanges::longest_stop) +
                                                   " bytes");
    }
  }
  return {};
}

}  // namespace

Result<> check_sampling(const Sampling& s, std::uint32_t vocabulary) {
  using Ranges = SamplingRanges;
  TRY(check("temperature", s.temperature, Ranges::temperature));
  if (s.top_p && !(*s.top_p > 0 && holds(Ranges::top_p, *s.top_p))) {
    return out_of_range("top_p", "more than 0, up to 1", shown(*s.top_p));
  }
  TRY(check("min_p", s.min_p, Ranges::min_p));
  TRY(check("repeat_penalty", s.repeat_penalty, Ranges::repeat_penalty));
  TRY(check("repeat_last_n", s.repeat_last_n, Ranges::repeat_last_n));
  TRY(check("presence_penalty", s.presence_penalty, Ranges::presence_penalty));
  TRY(check("frequency_penalty", s.frequency_penalty, Ranges::frequency_penalty));
  TRY(check("logprobs", s.logprobs, Ranges::logprobs));
  TRY(check("max_tokens", s.max_tokens, Ranges::max_tokens));
  for (const auto& bias : s.logit_bias) TRY(check_bias(bias, vocabulary));
  return check_stops(s.stop);
}

}  // namespace quern::inference
