#include "completion_response.hpp"

#include <utility>

namespace quern::chat {
namespace {

void write_top(JsonWriter& json, const std::vector<llm::TokenProbability>& top) {
  json.begin_object();
  for (const llm::TokenProbability& token : top) {
    json.field(valid_utf8(token.bytes), token.logprob);
  }
  json.end_object();
}

// The older form: parallel lists.
void write_logprobs(JsonWriter& json, const CompletionChoice& choice) {
  json.begin_object().key("tokens").begin_array();
  for (const auto& token : choice.logprobs) json.text(token.chosen.bytes);
  json.end_array().key("token_logprobs").begin_array();
  for (const auto& token : choice.logprobs) json.number(token.chosen.logprob);
  json.end_array().key("top_logprobs").begin_array();
  for (const auto& token : choice.logprobs) write_top(json, token.top);
  json.end_array().key("text_offset").begin_array();
  std::size_t offset = choice.offset;
  for (const auto& token : choice.logprobs) {
    json.number(offset);
    offset += token.chosen.bytes.size();
  }
  json.end_array().end_object();
}

void write_choice(JsonWriter& json, const CompletionChoice& choice) {
  json.begin_object().field("text", choice.text).field("index", choice.index);
  json.key("logprobs");
  if (choice.with_logprobs) {
    write_logprobs(json, choice);
  } else {
    json.null();
  }
  json.key("finish_reason").text_or_null(choice.reason ? to_word(*choice.reason) : "");
  json.end_object();
}

}  // namespace

std::string completion_json(const ResponseHead& head, const std::vector<CompletionChoice>& choices,
                            const Totals& totals, Cost cost) {
  JsonWriter json;
  json.begin_object();
  write_head(json, head, "text_completion");
  json.key("choices").begin_array();
  for (const CompletionChoice& choice : choices) write_choice(json, choice);
  json.end_array();
  if (cost == Cost::usage_and_timings) totals.write_usage(json.key("usage"));
  if (cost != Cost::none) totals.write_timings(json.key("timings"));
  json.end_object();
  return std::move(json).take();
}

}  // namespace quern::chat
