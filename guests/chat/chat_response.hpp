// Chat completions as OpenAI's API writes them: whole, and as chunks of a stream.
#pragma once

#include "answers.hpp"
#include "delta.hpp"
#include "llm.hpp"
#include "report.hpp"
#include "response_head.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace quern::chat {

// Gathers the events of n answers into one "chat.completion".
class ChatCollector {
 public:
  ChatCollector(std::size_t answers, bool with_logprobs);
  void take(Batch batch);
  std::string to_json(const ResponseHead& head) const;

 private:
  struct Choice {
    std::string content;
    std::string reasoning;
    std::vector<llm::ToolCall> calls;
    llm::Logprobs logprobs;
    llm::FinishReason reason = llm::FinishReason::stop;
  };
  void write_choice(JsonWriter& json, std::size_t index) const;
  static void write_message(JsonWriter& json, const Choice& choice);

  std::vector<Choice> choices_;
  bool with_logprobs_;
  Totals totals_;
};

// Writes "chat.completion.chunk" objects. The events of one batch become at most one chunk with
// a delta, and one with the finish reason. The very last chunk carries the timings: that of the
// usage where it was asked for, and otherwise the last with a finish reason.
class ChatChunks {
 public:
  ChatChunks(ResponseHead head, std::size_t answers, bool with_usage);
  // The chunk that opens an answer: its role.
  std::string opening(std::size_t answer) const;
  std::vector<std::string> take(const Batch& batch);
  // The chunk without choices that carries the usage; empty when nobody asked for it.
  std::string closing() const;

 private:
  JsonWriter begin() const;
  std::string end(JsonWriter json) const;
  void begin_choice(JsonWriter& json, std::size_t answer) const;
  std::string delta_chunk(std::size_t answer, const Delta& delta) const;
  std::string finish_chunk(std::size_t answer, llm::FinishReason reason) const;

  ResponseHead head_;
  std::size_t running_;
  bool with_usage_;
  Totals totals_;
};

}  // namespace quern::chat
