// The plain data of quern:llm between our types and the C bindings' structs.
#pragma once

#include "quern/own.hpp"
#include "quern/words.hpp"

#include <span>

namespace quern::wasi {
inline std::optional<std::string> copied(const quern_option_string_t& text) {
  if (!text.is_some) return {};
  return copied(text.val);
}

inline std::string copied(const quern_list_u8_t& bytes) {
  return {reinterpret_cast<const char*>(bytes.ptr), bytes.len};
}

inline llm::TokenProbability copied(const quern_llm_types_token_probability_t& token) {
  return {.token = token.token, .bytes = copied(token.bytes), .logprob = token.logprob};
}

inline llm::Logprobs copied(const quern_llm_types_list_token_logprobs_t& list) {
  llm::Logprobs result;
  for (const auto& token : std::span(list.ptr, list.len)) {
    llm::TokenLogprobs one{.chosen = copied(token.chosen), .top = {}};
    for (const auto& other : std::span(token.top.ptr, token.top.len)) {
      one.top.push_back(copied(other));
    }
    result.push_back(std::move(one));
  }
  return result;
}

inline llm::Summary copied(const quern_llm_types_summary_t& summary) {
  return {.reason = static_cast<llm::FinishReason>(summary.reason),
          .usage = {.prompt_tokens = summary.usage.prompt_tokens,
                    .cached_tokens = summary.usage.cached_tokens,
                    .completion_tokens = summary.usage.completion_tokens},
          .timings = {.queue_ms = summary.timings.queue_ms,
                      .prefill_ms = summary.timings.prefill_ms,
                      .decode_ms = summary.timings.decode_ms}};
}

inline llm::Event copied(const quern_llm_types_event_t& event) {
  switch (event.tag) {
    case QUERN_LLM_TYPES_EVENT_CONTENT: return llm::Content{.text = copied(event.val.content)};
    case QUERN_LLM_TYPES_EVENT_REASONING:
      return llm::Reasoning{.text = copied(event.val.reasoning)};
    case QUERN_LLM_TYPES_EVENT_TOOL_CALL:
      return llm::ToolCallDelta{.index = event.val.tool_call.index,
                                .id = copied(event.val.tool_call.id),
                                .name = copied(event.val.tool_call.name),
                                .arguments = copied(event.val.tool_call.arguments)};
    case QUERN_LLM_TYPES_EVENT_LOGPROBS: return copied(event.val.logprobs);
    default: return copied(event.val.finished);
  }
}

inline llm::ModelInfo copied(const quern_llm_types_model_info_t& info) {
  return {.name = copied(info.name),
          .architecture = copied(info.architecture),
          .parameters = info.parameters,
          .size_bytes = info.size_bytes,
          .context_tokens = info.context_tokens,
          .embedding_length = info.embedding_length,
          .vocabulary = info.vocabulary,
          .chat = info.chat,
          .digest = copied(info.digest),
          .created = info.created};
}

inline quern_option_u32_t optional(const std::optional<std::uint32_t>& value) {
  return {value.has_value(), value.value_or(0)};
}
inline quern_option_f32_t optional(const std::optional<float>& value) {
  return {value.has_value(), value.value_or(0)};
}
inline quern_option_string_t optional(const std::optional<std::string>& value) {
  return {value.has_value(), value ? borrowed(*value) : borrowed("")};
}

inline quern_llm_types_part_t part_words(const llm::Part& part) {
  quern_llm_types_part_t words;
  words.tag = static_cast<std::uint8_t>(part.kind);
  if (part.kind == llm::Part::Kind::text) {
    words.val.text = borrowed(part.data);
  } else {
    // Image and audio have the same shape.
    words.val.image = {borrowed(part.mime_type), {bytes_of(part.data), part.data.size()}};
  }
  return words;
}

inline quern_llm_types_tool_choice_t choice_words(const llm::ToolChoice& choice) {
  quern_llm_types_tool_choice_t words;
  words.tag = static_cast<std::uint8_t>(choice.kind);
  words.val.named = borrowed(choice.name);
  return words;
}

// Our enums count as the contract does.
static_assert(static_cast<int>(llm::ErrorKind::internal) == QUERN_LLM_TYPES_ERROR_INTERNAL);
static_assert(static_cast<int>(llm::ErrorKind::overloaded) == QUERN_LLM_TYPES_ERROR_OVERLOADED);
static_assert(static_cast<int>(llm::Role::tool) == QUERN_LLM_TYPES_ROLE_TOOL);
static_assert(static_cast<int>(llm::Role::assistant) == QUERN_LLM_TYPES_ROLE_ASSISTANT);
static_assert(static_cast<int>(llm::Part::Kind::audio) == QUERN_LLM_TYPES_PART_AUDIO);
static_assert(static_cast<int>(llm::ToolChoice::Kind::required) ==
              QUERN_LLM_TYPES_TOOL_CHOICE_REQUIRED);
static_assert(static_cast<int>(llm::Format::Kind::grammar) ==
              QUERN_LLM_TYPES_RESPONSE_FORMAT_GRAMMAR);
static_assert(static_cast<int>(llm::FinishReason::tool_calls) ==
              QUERN_LLM_TYPES_FINISH_REASON_TOOL_CALLS);

// Out of the bindings. Each takes what it is given and frees it.

inline llm::Error take_error(quern_llm_types_error_t error) {
  llm::Error result;
  result.kind = static_cast<llm::ErrorKind>(error.tag);
  switch (result.kind) {
    case llm::ErrorKind::context_full:
      result.prompt_tokens = error.val.context_full.prompt_tokens;
      result.context_tokens = error.val.context_full.context_tokens;
      break;
    case llm::ErrorKind::overloaded: result.retry_ms = error.val.overloaded; break;
    case llm::ErrorKind::deadline_exceeded:
    case llm::ErrorKind::cancelled: break;
    default: result.text = copied(error.val.internal); break;  // all others hold a text
  }
  quern_llm_types_error_free(&error);
  return result;
}

inline llm::ModelInfo take_info(quern_llm_types_model_info_t info) {
  llm::ModelInfo result = copied(info);
  quern_llm_types_model_info_free(&info);
  return result;
}

inline std::vector<llm::ModelInfo> take_infos(quern_llm_inference_list_model_info_t infos) {
  std::vector<llm::ModelInfo> result;
  for (const auto& info : std::span(infos.ptr, infos.len)) result.push_back(copied(info));
  quern_llm_inference_list_model_info_free(&infos);
  return result;
}

inline std::vector<llm::Event> take_events(quern_llm_inference_list_event_t events) {
  std::vector<llm::Event> result;
  for (const auto& event : std::span(events.ptr, events.len)) result.push_back(copied(event));
  quern_llm_inference_list_event_free(&events);
  return result;
}

inline llm::Embeddings take_embeddings(quern_llm_types_embeddings_t embeddings) {
  llm::Embeddings result;
  result.prompt_tokens = embeddings.prompt_tokens;
  for (const auto& vector : std::span(embeddings.vectors.ptr, embeddings.vectors.len)) {
    result.vectors.emplace_back(vector.ptr, vector.ptr + vector.len);
  }
  quern_llm_types_embeddings_free(&embeddings);
  return result;
}

inline std::vector<quern_string_t> text_words(const std::vector<std::string>& texts) {
  std::vector<quern_string_t> words;
  words.reserve(texts.size());
  for (const std::string& text : texts) words.push_back(borrowed(text));
  return words;
}

inline quern_llm_types_response_format_t format_words(const llm::Format& format) {
  quern_llm_types_response_format_t words;
  words.tag = static_cast<std::uint8_t>(format.kind);
  words.val.json_schema = borrowed(format.source);  // the grammar has the same shape
  return words;
}

// Into the bindings. Each holds arrays of its own that point into the value it was made from,
// which must outlive it.
class SamplingWords {
 public:
  explicit SamplingWords(const llm::Sampling& sampling);
  quern_llm_types_sampling_t words;

 private:
  std::vector<quern_tuple2_u32_f32_t> bias_;
  std::vector<quern_string_t> stop_;
};

class MessageWords {
 public:
  explicit MessageWords(const std::vector<llm::Message>& messages);
  quern_llm_inference_list_message_t words;

 private:
  std::vector<quern_llm_types_message_t> messages_;
  std::vector<std::vector<quern_llm_types_part_t>> parts_;
  std::vector<std::vector<quern_llm_types_tool_call_t>> calls_;
};

class OptionWords {
 public:
  explicit OptionWords(const llm::ChatOptions& options);
  quern_llm_types_chat_options_t words;

 private:
  SamplingWords sampling_;
  std::vector<quern_llm_types_tool_t> tools_;
};

inline SamplingWords::SamplingWords(const llm::Sampling& sampling)
    : stop_(text_words(sampling.stop)) {
  for (const auto& [token, bias] : sampling.logit_bias) bias_.push_back({token, bias});
  words = {.max_tokens = optional(sampling.max_tokens),
           .temperature = optional(sampling.temperature),
           .top_k = optional(sampling.top_k),
           .top_p = optional(sampling.top_p),
           .min_p = optional(sampling.min_p),
           .repeat_penalty = optional(sampling.repeat_penalty),
           .repeat_last_n = optional(sampling.repeat_last_n),
           .presence_penalty = optional(sampling.presence_penalty),
           .frequency_penalty = optional(sampling.frequency_penalty),
           .seed = optional(sampling.seed),
           .logit_bias = {bias_.data(), bias_.size()},
           .stop = {stop_.data(), stop_.size()},
           .logprobs = optional(sampling.logprobs),
           .timeout_ms = optional(sampling.timeout_ms)};
}

inline MessageWords::MessageWords(const std::vector<llm::Message>& messages) {
  for (const llm::Message& message : messages) {
    auto& parts = parts_.emplace_back();
    for (const llm::Part& part : message.content) parts.push_back(part_words(part));
    auto& calls = calls_.emplace_back();
    for (const llm::ToolCall& call : message.tool_calls) {
      calls.push_back({borrowed(call.id), borrowed(call.name), borrowed(call.arguments)});
    }
    // Moving the vectors about as the outer ones grow leaves their elements where they are.
    messages_.push_back({.role = static_cast<quern_llm_types_role_t>(message.role),
                         .content = {parts.data(), parts.size()},
                         .name = optional(message.name),
                         .reasoning = optional(message.reasoning),
                         .tool_calls = {calls.data(), calls.size()},
                         .tool_call_id = optional(message.tool_call_id)});
  }
  words = {messages_.data(), messages_.size()};
}

inline OptionWords::OptionWords(const llm::ChatOptions& options) : sampling_(options.sampling) {
  for (const llm::Tool& tool : options.tools) {
    tools_.push_back({borrowed(tool.name), borrowed(tool.description), borrowed(tool.parameters)});
  }
  words = {.sampling = sampling_.words,
           .format = format_words(options.format),
           .tools = {tools_.data(), tools_.size()},
           .tool_choice = choice_words(options.tool_choice),
           .parallel_tool_calls = options.parallel_tool_calls,
           .enable_thinking = {options.enable_thinking.has_value(),
                               options.enable_thinking.value_or(false)}};
}

}  // namespace quern::wasi
