#include "guestapi/llm_check.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>

namespace quern::guestapi {
namespace {

constexpr std::size_t kMostStops = 16;
constexpr std::size_t kLongestStop = 1024;  // every one is searched for at every token
constexpr std::uint32_t kMostLogprobs = 20;
constexpr float kMostBias = 100;
constexpr std::uint32_t kMostNewTokens = std::numeric_limits<std::int32_t>::max();

std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

struct Range {
  const char* name;
  double least;
  double most;
  bool open_below = false;  // `least` itself is out
};

// NaN is in no range.
template <class Number>
Result<> in_range(const std::optional<Number>& value, const Range& range) {
  if (!value) return {};
  const auto v = static_cast<double>(*value);
  const bool enough = range.open_below ? v > range.least : v >= range.least;
  if (enough && v <= range.most) return {};
  const std::string bounds =
      std::isinf(range.most)
          ? (range.open_below ? "more than " : "at least ") + shown(range.least)
          : (range.open_below ? "more than " + shown(range.least) + ", up to " + shown(range.most)
                              : shown(range.least) + " to " + shown(range.most));
  return fail(ErrorKind::invalid_argument,
              std::string(range.name) + " must be " + bounds + ", not " + shown(v));
}

Result<> check_bias(const std::pair<std::uint32_t, float>& bias, std::uint32_t vocabulary) {
  if (bias.first >= vocabulary) {
    return fail(ErrorKind::invalid_argument, "logit-bias names token " +
                                                 std::to_string(bias.first) + "; this model has " +
                                                 std::to_string(vocabulary));
  }
  return in_range(std::optional(bias.second),
                  {.name = "logit-bias", .least = -kMostBias, .most = kMostBias});
}

Result<> check_stops(const std::vector<std::string>& stops) {
  if (stops.size() > kMostStops) {
    return fail(ErrorKind::invalid_argument,
                "stop may hold at most 16 strings, not " + std::to_string(stops.size()));
  }
  for (const std::string& stop : stops) {
    if (stop.empty()) return fail(ErrorKind::invalid_argument, "stop holds an empty string");
    if (stop.size() > kLongestStop) {
      return fail(ErrorKind::invalid_argument, "stop holds a string longer than 1024 bytes");
    }
  }
  return {};
}

}  // namespace

Result<> check_sampling(const inference::Sampling& s, const inference::ModelInfo& model) {
  constexpr double kAny = std::numeric_limits<double>::infinity();
  TRY(in_range(s.max_tokens, {.name = "max-tokens", .least = 1, .most = kMostNewTokens}));
  TRY(in_range(s.temperature, {.name = "temperature", .least = 0, .most = 2}));
  TRY(in_range(s.top_p, {.name = "top-p", .least = 0, .most = 1, .open_below = true}));
  TRY(in_range(s.min_p, {.name = "min-p", .least = 0, .most = 1}));
  TRY(in_range(s.repeat_penalty,
               {.name = "repeat-penalty", .least = 0, .most = kAny, .open_below = true}));
  if (s.repeat_penalty && std::isinf(*s.repeat_penalty)) {
    return fail(ErrorKind::invalid_argument, "repeat-penalty must be a finite number");
  }
  TRY(in_range(s.presence_penalty, {.name = "presence-penalty", .least = -2, .most = 2}));
  TRY(in_range(s.frequency_penalty, {.name = "frequency-penalty", .least = -2, .most = 2}));
  TRY(in_range(s.logprobs, {.name = "logprobs", .least = 0, .most = kMostLogprobs}));
  for (const auto& bias : s.logit_bias) TRY(check_bias(bias, model.vocabulary));
  return check_stops(s.stop);
}

Result<> check_chat(const inference::ChatRequest& request, const inference::ModelInfo& model) {
  if (request.messages.empty()) {
    return fail(ErrorKind::invalid_argument, "the conversation is empty");
  }
  TRY(check_sampling(request.sampling, model));
  using Kind = inference::ToolChoice::Kind;
  if (request.tool_choice.kind == Kind::required && request.tools.empty()) {
    return fail(ErrorKind::invalid_argument, "tool-choice requires a call, but there are no tools");
  }
  if (request.tool_choice.kind == Kind::named &&
      std::none_of(request.tools.begin(), request.tools.end(), [&](const inference::Tool& tool) {
        return tool.name == request.tool_choice.name;
      })) {
    return fail(ErrorKind::invalid_argument, "tool-choice names \"" + request.tool_choice.name +
                                                 "\", which is not among the tools");
  }
  return {};
}

}  // namespace quern::guestapi
