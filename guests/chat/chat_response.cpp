#include "chat_response.hpp"

#include <utility>

namespace quern::chat {
namespace {

void write_logprobs(JsonWriter& json, const llm::Logprobs& logprobs) {
  json.key("logprobs").begin_object().key("content").begin_array();
  for (const llm::TokenLogprobs& token : logprobs) write_logprob(json, token);
  json.end_array().key("refusal").null().end_object();
}

// The calls of an answer so far, each delta put where its index says.
void append_call(std::vector<llm::ToolCall>& calls, const llm::ToolCallDelta& delta) {
  // Calls come in order; an index from nowhere would only cost memory.
  if (delta.index > calls.size()) return;
  if (delta.index == calls.size()) calls.emplace_back();
  llm::ToolCall& call = calls[delta.index];
  if (delta.id) call.id = *delta.id;
  if (delta.name) call.name += *delta.name;
  call.arguments += delta.arguments;
}

void write_call(JsonWriter& json, const llm::ToolCall& call) {
  json.begin_object().field("id", call.id).field("type", "function");
  json.key("function").begin_object();
  json.field("name", call.name).field("arguments", call.arguments).end_object().end_object();
}

void write_call_delta(JsonWriter& json, const llm::ToolCallDelta& delta) {
  json.begin_object().field("index", delta.index);
  if (delta.id) json.field("id", *delta.id).field("type", "function");
  json.key("function").begin_object();
  if (delta.name) json.field("name", *delta.name);
  json.field("arguments", delta.arguments).end_object().end_object();
}

}  // namespace

ChatCollector::ChatCollector(std::size_t answers, bool with_logprobs)
    : choices_(answers), with_logprobs_(with_logprobs) {}

void ChatCollector::take(Batch batch) {
  Choice& choice = choices_[batch.answer];
  Delta delta = sum_up(batch.events);
  choice.content += delta.content;
  choice.reasoning += delta.reasoning;
  for (const llm::ToolCallDelta& call : delta.calls) append_call(choice.calls, call);
  choice.logprobs.insert(choice.logprobs.end(), delta.logprobs.begin(), delta.logprobs.end());
  if (!delta.summary) return;
  choice.reason = delta.summary->reason;
  totals_.add(*delta.summary);
}

std::string ChatCollector::to_json(const ResponseHead& head) const {
  JsonWriter json;
  json.begin_object();
  write_head(json, head, "chat.completion");
  json.key("choices").begin_array();
  for (std::size_t i = 0; i < choices_.size(); ++i) write_choice(json, i);
  json.end_array();
  totals_.write_usage(json.key("usage"));
  totals_.write_timings(json.key("timings"));
  json.end_object();
  return std::move(json).take();
}

void ChatCollector::write_choice(JsonWriter& json, std::size_t index) const {
  const Choice& choice = choices_[index];
  json.begin_object().field("index", index);
  write_message(json, choice);
  if (with_logprobs_) {
    write_logprobs(json, choice.logprobs);
  } else {
    json.key("logprobs").null();
  }
  json.field("finish_reason", to_word(choice.reason)).end_object();
}

void ChatCollector::write_message(JsonWriter& json, const Choice& choice) {
  json.key("message").begin_object().field("role", "assistant");
  if (choice.content.empty() && !choice.calls.empty()) {
    json.key("content").null();
  } else {
    json.field("content", choice.content);
  }
  if (!choice.reasoning.empty()) json.field("reasoning_content", choice.reasoning);
  json.key("refusal").null();
  if (!choice.calls.empty()) {
    json.key("tool_calls").begin_array();
    for (const llm::ToolCall& call : choice.calls) write_call(json, call);
    json.end_array();
  }
  json.end_object();
}

ChatChunks::ChatChunks(ResponseHead head, std::size_t answers, bool with_usage)
    : head_(std::move(head)), running_(answers), with_usage_(with_usage) {}

JsonWriter ChatChunks::begin() const {
  JsonWriter json;
  json.begin_object();
  write_head(json, head_, "chat.completion.chunk");
  json.key("choices").begin_array();
  return json;
}

void ChatChunks::begin_choice(JsonWriter& json, std::size_t answer) const {
  json.begin_object().field("index", answer).key("delta").begin_object();
}

std::string ChatChunks::end(JsonWriter json) const {
  json.end_array();
  if (with_usage_) json.key("usage").null();
  json.end_object();
  return std::move(json).take();
}

std::string ChatChunks::opening(std::size_t answer) const {
  JsonWriter json = begin();
  begin_choice(json, answer);
  json.field("role", "assistant").field("content", "").key("refusal").null().end_object();
  json.key("logprobs").null().key("finish_reason").null().end_object();
  return end(std::move(json));
}

std::vector<std::string> ChatChunks::take(const Batch& batch) {
  std::vector<std::string> chunks;
  const Delta delta = sum_up(batch.events);
  if (!delta.empty()) chunks.push_back(delta_chunk(batch.answer, delta));
  if (delta.summary) {
    --running_;
    totals_.add(*delta.summary);
    chunks.push_back(finish_chunk(batch.answer, delta.summary->reason));
  }
  return chunks;
}

std::string ChatChunks::delta_chunk(std::size_t answer, const Delta& delta) const {
  JsonWriter json = begin();
  begin_choice(json, answer);
  if (!delta.content.empty()) json.field("content", delta.content);
  if (!delta.reasoning.empty()) json.field("reasoning_content", delta.reasoning);
  if (!delta.calls.empty()) {
    json.key("tool_calls").begin_array();
    for (const llm::ToolCallDelta& call : delta.calls) write_call_delta(json, call);
    json.end_array();
  }
  json.end_object();
  if (delta.logprobs.empty()) {
    json.key("logprobs").null();
  } else {
    write_logprobs(json, delta.logprobs);
  }
  json.key("finish_reason").null().end_object();
  return end(std::move(json));
}

std::string ChatChunks::finish_chunk(std::size_t answer, llm::FinishReason reason) const {
  JsonWriter json = begin();
  begin_choice(json, answer);
  json.end_object().key("logprobs").null();
  json.field("finish_reason", to_word(reason)).end_object();
  if (running_ > 0 || with_usage_) return end(std::move(json));
  json.end_array();
  totals_.write_timings(json.key("timings"));
  json.end_object();
  return std::move(json).take();
}

std::string ChatChunks::closing() const {
  if (!with_usage_) return {};
  JsonWriter json = begin();
  json.end_array();
  totals_.write_usage(json.key("usage"));
  totals_.write_timings(json.key("timings"));
  json.end_object();
  return std::move(json).take();
}

}  // namespace quern::chat
