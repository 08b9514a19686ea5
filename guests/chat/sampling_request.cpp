#include "sampling_request.hpp"

#include <algorithm>
#include <charconv>

namespace quern::chat {
namespace {

using Ranges = inference::SamplingRanges;
// OpenAI's API takes 4. The engine takes more, and other servers' clients use them.
constexpr std::size_t kMaxStops = Ranges::most_stops;
// A top_p of 0 is allowed by OpenAI's API and means the single most probable token.
constexpr float kSmallestTopP = 1e-6F;

// OpenAI's seeds are 64 bits wide, the engine's 32. Both halves count.
std::uint32_t fold_seed(std::int64_t seed) {
  const auto bits = static_cast<std::uint64_t>(seed);
  return static_cast<std::uint32_t>(bits ^ (bits >> 32U));
}

void read_stop(Fields& fields, std::vector<std::string>& stop) {
  const Json* const value = fields.get("stop");
  if (value == nullptr) return;
  if (value->is_string()) {
    stop.push_back(value->get<std::string>());
  } else if (value->is_array() && value->size() <= kMaxStops &&
             std::all_of(value->begin(), value->end(), [](auto& v) { return v.is_string(); })) {
    for (const Json& one : *value) stop.push_back(one.get<std::string>());
  } else {
    fields.error("stop", "invalid_type",
                 "Invalid type for 'stop': expected a string or an array of at most " +
                     std::to_string(kMaxStops) + " strings.");
  }
  if (std::find(stop.begin(), stop.end(), "") != stop.end()) {
    fields.error("stop", "empty_string", "Invalid 'stop': an empty string stops nothing.");
  }
}

std::optional<std::uint32_t> to_token(std::string_view digits) {
  std::uint32_t token = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stopped, problem] = std::from_chars(digits.data(), end, token);
  if (problem != std::errc() || stopped != end) return {};
  return token;
}

void read_logit_bias(Fields& fields, llm::Sampling& sampling) {
  const Json* const bias = fields.object("logit_bias");
  if (bias == nullptr) return;
  for (auto entry = bias->begin(); entry != bias->end(); ++entry) {
    const auto token = to_token(entry.key());
    const Range range = range_of(Ranges::logit_bias);
    const double value = entry->is_number() ? entry->get<double>() : range.max + 1;
    if (!token || value < range.min || value > range.max) {
      return fields.error("logit_bias", "invalid_value",
                          "Invalid 'logit_bias': expected token ids as keys and numbers from "
                          "-100 to 100 as values, but got '" +
                              entry.key() + "': " + to_text(*entry) + ".");
    }
    sampling.logit_bias.emplace_back(*token, static_cast<float>(value));
  }
}

}  // namespace

Range range_of(const inference::SamplingRange& range) {
  return {.min = range.least, .max = range.most};
}

IntRange int_range_of(const inference::SamplingRange& range) {
  return {.min = static_cast<std::int64_t>(range.least),
          .max = static_cast<std::int64_t>(range.most)};
}

llm::Sampling read_sampling(Fields& fields) {
  constexpr std::int64_t kMaxInt = 0x7FFF'FFFF;
  llm::Sampling sampling;
  sampling.temperature = fields.number("temperature", range_of(Ranges::temperature));
  sampling.top_p = fields.number("top_p", range_of(Ranges::top_p));
  if (sampling.top_p) sampling.top_p = std::max(*sampling.top_p, kSmallestTopP);
  // Other servers read -1 as "all", which is 0 here.
  if (const auto top_k = fields.integer("top_k", {.min = -1, .max = kMaxInt})) {
    sampling.top_k = static_cast<std::uint32_t>(std::max<std::int64_t>(*top_k, 0));
  }
  sampling.min_p = fields.number("min_p", range_of(Ranges::min_p));
  sampling.presence_penalty = fields.number("presence_penalty", range_of(Ranges::presence_penalty));
  sampling.frequency_penalty =
      fields.number("frequency_penalty", range_of(Ranges::frequency_penalty));
  sampling.repeat_penalty = fields.number("repeat_penalty", range_of(Ranges::repeat_penalty));
  sampling.repeat_last_n = fields.count("repeat_last_n", int_range_of(Ranges::repeat_last_n));
  sampling.timeout_ms = fields.count("timeout_ms", {.min = 1, .max = kMaxInt});
  if (const auto seed = fields.integer("seed")) sampling.seed = fold_seed(*seed);
  read_stop(fields, sampling.stop);
  read_logit_bias(fields, sampling);
  return sampling;
}

StreamOptions read_stream_options(Fields& fields, FirstError& error) {
  StreamOptions result;
  result.stream = fields.boolean("stream").value_or(false);
  const Json* const options = fields.object("stream_options");
  if (options == nullptr) return result;
  if (!result.stream) {
    fields.error("stream_options", "invalid_value",
                 "The 'stream_options' parameter is only allowed when 'stream' is true.");
  }
  Fields inner(*options, "stream_options", error);
  result.include_usage = inner.boolean("include_usage").value_or(false);
  inner.ignore({"include_obfuscation"});
  inner.refuse_others();
  return result;
}

std::uint32_t read_choices(Fields& fields) {
  return fields.count("n", {.min = 1, .max = kMaxChoices}).value_or(1);
}

std::string read_model(Fields& fields) { return fields.text("model").value_or("default"); }

void ignore_bookkeeping(Fields& fields) {
  fields.ignore({"user", "metadata", "store", "service_tier", "safety_identifier",
                 "prompt_cache_key", "prompt_cache_retention", "cache_prompt", "timings",
                 "timings_per_token"});
}

llm::Sampling for_choice(const llm::Sampling& sampling, std::size_t index) {
  llm::Sampling result = sampling;
  if (result.seed) *result.seed += static_cast<std::uint32_t>(index);
  return result;
}

}  // namespace quern::chat
