// The parts that the responses of all text endpoints share: usage, timings, log probabilities.
#pragma once

#include "json_writer.hpp"
#include "llm.hpp"

#include <string_view>
#include <vector>

namespace quern::chat {

std::string_view to_word(llm::FinishReason reason);

// What the answers to one request used together. Answers to one prompt share it: it counts once.
class Totals {
 public:
  // `prompt` is the number of the prompt that was answered.
  void add(const llm::Summary& summary, std::size_t prompt = 0);
  // {"prompt_tokens":...}
  void write_usage(JsonWriter& json) const;
  // An extension that llama.cpp's server has too: {"prompt_n":...}
  void write_timings(JsonWriter& json) const;

 private:
  llm::Usage usage_;
  llm::Timings timings_;
  std::vector<bool> counted_;  // by prompt
};

// One entry of "logprobs": {"content": [...]}.
void write_logprob(JsonWriter& json, const llm::TokenLogprobs& token);

}  // namespace quern::chat
