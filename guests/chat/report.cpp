#include "report.hpp"

#include <algorithm>
#include <cmath>

namespace quern::chat {
namespace {

void write_token(JsonWriter& json, const llm::TokenProbability& token) {
  json.field("token", token.bytes).field("logprob", token.logprob);
  json.key("bytes").begin_array();
  for (const char byte : token.bytes) {
    json.number(std::uint32_t{static_cast<unsigned char>(byte)});
  }
  json.end_array();
}

double per_second(std::uint32_t tokens, double ms) { return ms > 0 ? tokens * 1000.0 / ms : 0; }

// Whole microseconds: more digits are noise.
double rounded(double value) { return std::round(value * 1000) / 1000; }

}  // namespace

std::string_view to_word(llm::FinishReason reason) {
  switch (reason) {
    case llm::FinishReason::length: return "length";
    case llm::FinishReason::tool_calls: return "tool_calls";
    case llm::FinishReason::stop: break;
  }
  return "stop";
}

void Totals::add(const llm::Summary& summary, std::size_t prompt) {
  usage_.completion_tokens += summary.usage.completion_tokens;
  timings_.decode_ms = std::max(timings_.decode_ms, summary.timings.decode_ms);
  if (prompt >= counted_.size()) counted_.resize(prompt + 1);
  if (counted_[prompt]) return;
  counted_[prompt] = true;
  usage_.prompt_tokens += summary.usage.prompt_tokens;
  usage_.cached_tokens += summary.usage.cached_tokens;
  timings_.queue_ms += summary.timings.queue_ms;
  timings_.prefill_ms += summary.timings.prefill_ms;
}

void Totals::write_usage(JsonWriter& json) const {
  json.begin_object();
  json.field("prompt_tokens", usage_.prompt_tokens);
  json.field("completion_tokens", usage_.completion_tokens);
  json.field("total_tokens", usage_.prompt_tokens + usage_.completion_tokens);
  json.key("prompt_tokens_details").begin_object();
  json.field("cached_tokens", usage_.cached_tokens).end_object();
  json.end_object();
}

void Totals::write_timings(JsonWriter& json) const {
  const std::uint32_t computed = usage_.prompt_tokens - usage_.cached_tokens;
  json.begin_object();
  json.field("queue_ms", rounded(timings_.queue_ms));
  json.field("cached", usage_.cached_tokens);
  json.field("prompt_n", computed);
  json.field("prompt_ms", rounded(timings_.prefill_ms));
  json.field("prompt_per_second", rounded(per_second(computed, timings_.prefill_ms)));
  json.field("predicted_n", usage_.completion_tokens);
  json.field("predicted_ms", rounded(timings_.decode_ms));
  json.field("predicted_per_second",
             rounded(per_second(usage_.completion_tokens, timings_.decode_ms)));
  json.end_object();
}

void write_logprob(JsonWriter& json, const llm::TokenLogprobs& token) {
  json.begin_object();
  write_token(json, token.chosen);
  json.key("top_logprobs").begin_array();
  for (const llm::TokenProbability& other : token.top) {
    json.begin_object();
    write_token(json, other);
    json.end_object();
  }
  json.end_array().end_object();
}

}  // namespace quern::chat
