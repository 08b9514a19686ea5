// The plain data of quern:llm between our types and the C bindings' structs.
#pragma once

#include "llm.hpp"
#include "own.hpp"

#include <vector>

namespace quern::chat::wasi {

// Out of the bindings. Each takes what it is given and frees it.
llm::Error take_error(quern_llm_types_error_t error);
llm::ModelInfo take_info(quern_llm_types_model_info_t info);
std::vector<llm::ModelInfo> take_infos(quern_llm_inference_list_model_info_t infos);
std::vector<llm::Event> take_events(quern_llm_inference_list_event_t events);
llm::Embeddings take_embeddings(quern_llm_types_embeddings_t embeddings);

// Into the bindings. Each holds arrays of its own that point into the value it was made from,
// which must outlive it.
class SamplingWords {
 public:
  explicit SamplingWords(const llm::Sampling& sampling);
  quern_llm_types_sampling_t words;

 private:
  std::vector<chat_tuple2_u32_f32_t> bias_;
  std::vector<chat_string_t> stop_;
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

quern_llm_types_response_format_t format_words(const llm::Format& format);
std::vector<chat_string_t> text_words(const std::vector<std::string>& texts);

}  // namespace quern::chat::wasi
