#include "guestapi/nn_options.hpp"

#include "inference/sampling_ranges.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>

namespace quern::guestapi {
namespace {

using nlohmann::json;

// Each context keeps its own, and parsed they take many times as much.
constexpr std::size_t kLongest = std::size_t{64} << 10U;

template <class T>
struct Key {
  const char* name;
  T NnOptions::* member;
};

constexpr Key<bool> kBooleans[] = {
    {"stream-stdout", &NnOptions::stream_stdout},
    {"embedding", &NnOptions::embedding},
    {"tts", &NnOptions::tts},
};
constexpr Key<std::int64_t> kIntegers[] = {
    {"n-predict", &NnOptions::n_predict},
    {"ctx-size", &NnOptions::ctx_size},
    {"batch-size", &NnOptions::batch_size},
    {"top-k", &NnOptions::top_k},
    {"seed", &NnOptions::seed},
    {"last-n-penalty", &NnOptions::last_n_penalty},
};
constexpr Key<double> kNumbers[] = {
    {"temp", &NnOptions::temp},
    {"top-p", &NnOptions::top_p},
    {"min-p", &NnOptions::min_p},
    {"repeat-penalty", &NnOptions::repeat_penalty},
    {"presence-penalty", &NnOptions::presence_penalty},
    {"frequency-penalty", &NnOptions::frequency_penalty},
};
constexpr Key<std::string> kTexts[] = {
    {"reverse-prompt", &NnOptions::reverse_prompt},
    {"grammar", &NnOptions::grammar},
    {"json-schema", &NnOptions::json_schema},
    {"mmproj", &NnOptions::mmproj},
    {"image", &NnOptions::image},
};

// Takes over each key of a table that `object` has, when `fits` says so of its value.
template <class T, std::size_t N, class Fits>
Result<> merge(NnOptions& options, const json& object, const Key<T> (&keys)[N], Fits fits,
               const char* type) {
  for (const Key<T>& key : keys) {
    const auto found = object.find(key.name);
    if (found == object.end()) continue;
    if (!fits(*found)) {
      return fail(ErrorKind::invalid_argument,
                  std::string("the option ") + key.name + " is not " + type);
    }
    options.*key.member = found->template get<T>();
  }
  return {};
}

// Programs of this interface set what they like; the nearest value that there is, is what they get.
float within(double value, inference::SamplingRange range) {
  return static_cast<float>(std::clamp(value, range.least, range.most));
}
constexpr float kLeastTopP = 1e-6F;  // the most probable token alone

Result<> merge_all(NnOptions& options, const json& object) {
  TRY(merge(
      options, object, kBooleans, [](const json& v) { return v.is_boolean(); }, "true or false"));
  TRY(merge(
      options, object, kIntegers, [](const json& v) { return v.is_number_integer(); },
      "an integer"));
  TRY(merge(options, object, kNumbers, [](const json& v) { return v.is_number(); }, "a number"));
  TRY(merge(options, object, kTexts, [](const json& v) { return v.is_string(); }, "a text"));
  return {};
}

}  // namespace

NnStep merge_options(NnOptions& options, std::string_view text) {
  if (text.size() > kLongest) return {NnStatus::too_large, "options may have 64 KiB"};
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object()) return {NnStatus::invalid_encoding, "the options are no JSON object"};
  NnOptions merged = options;
  TRY(merge_all(merged, object));
  if (!merged.mmproj.empty() || !merged.image.empty()) {
    return {NnStatus::unsupported_operation, "images (mmproj, image) are not offered"};
  }
  if (merged.tts) return {NnStatus::unsupported_operation, "speech (tts) is not offered"};
  options = std::move(merged);
  return {};
}

inference::Sampling sampling_of(const NnOptions& options) {
  constexpr std::int64_t kRandomSeed = std::numeric_limits<std::uint32_t>::max();
  const auto count = [](std::int64_t value) {
    constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(value, 0, kMost));
  };
  inference::Sampling sampling;
  using Ranges = inference::SamplingRanges;
  sampling.temperature = within(options.temp, Ranges::temperature);
  sampling.top_k = count(options.top_k);
  sampling.top_p = std::max(within(options.top_p, Ranges::top_p), kLeastTopP);
  sampling.min_p = within(options.min_p, Ranges::min_p);
  sampling.repeat_penalty = within(options.repeat_penalty, Ranges::repeat_penalty);
  sampling.presence_penalty = within(options.presence_penalty, Ranges::presence_penalty);
  sampling.frequency_penalty = within(options.frequency_penalty, Ranges::frequency_penalty);
  // A negative one is the whole context.
  sampling.repeat_last_n =
      options.last_n_penalty < 0
          ? static_cast<std::uint32_t>(Ranges::repeat_last_n.most)
          : static_cast<std::uint32_t>(
                within(static_cast<double>(options.last_n_penalty), Ranges::repeat_last_n));
  if (options.seed >= 0 && options.seed < kRandomSeed) {
    sampling.seed = static_cast<std::uint32_t>(options.seed);
  }
  return sampling;
}

inference::ResponseFormat format_of(const NnOptions& options) {
  using Kind = inference::ResponseFormat::Kind;
  if (!options.grammar.empty()) return {.kind = Kind::grammar, .source = options.grammar};
  if (!options.json_schema.empty())
    return {.kind = Kind::json_schema, .source = options.json_schema};
  return {};
}

}  // namespace quern::guestapi
