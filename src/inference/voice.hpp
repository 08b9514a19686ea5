// The Speaker of a real answer: logits -> token -> bytes -> characters -> stop strings -> events.
#pragma once

#include "inference/answer_parser.hpp"
#include "inference/constraint.hpp"
#include "inference/event_channel.hpp"
#include "inference/sampler.hpp"
#include "inference/speaker.hpp"
#include "inference/stop_strings.hpp"
#include "inference/utf8.hpp"
#include "inference/vocabulary.hpp"

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace quern::inference {

struct VoiceOptions {
  SamplerOptions sampling;
  std::vector<std::string> stop;
  std::optional<std::uint32_t> logprobs;
  std::set<Token> shown;                   // control tokens that the parser wants to see as text
  std::unique_ptr<Constraint> constraint;  // null: anything may be said
  std::unique_ptr<AnswerParser> parser;    // null: all text is content
};

class Voice final : public Speaker {
 public:
  // `prompt`: the penalties look back into it.
  Voice(std::shared_ptr<const Vocabulary> vocabulary, VoiceOptions options,
        std::shared_ptr<EventChannel> channel, std::span<const Token> prompt);

  Result<Said> say(std::span<const float> logits) override;
  FinishReason close(FinishReason reason) override;

 private:
  // A token whose probability is told once its text is.
  struct Untold {
    TokenLogprobs logprobs;
    std::size_t begin;  // of its text, in bytes from the answer's begin
  };
  void note_logprobs(std::span<const float> logits, Token token);
  std::vector<Event> tell(std::string text);
  void tell_logprobs(std::vector<Event>& events);

  std::shared_ptr<const Vocabulary> vocabulary_;
  VoiceOptions options_;
  std::shared_ptr<EventChannel> channel_;
  Sampler sampler_;
  Utf8Gate utf8_;
  StopStrings stops_;
  std::deque<Untold> untold_;
  std::size_t said_bytes_ = 0;
  std::size_t told_bytes_ = 0;
  bool model_ended_ = false;
};

}  // namespace quern::inference
