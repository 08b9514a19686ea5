// Turns logits into one answer's tokens and events. The scheduler asks it once per step; the real
// one (Voice) samples, decodes text, watches stop strings and parses tool calls.
#pragma once

#include "inference/inference.hpp"

#include <optional>
#include <span>

namespace quern::inference {

class Speaker {
 public:
  struct Said {
    Token token = 0;
    std::optional<FinishReason> ended;  // the answer is over with this token
  };
  virtual ~Speaker() = default;
  // Chooses the next token and gives its events to the reader. An error ends the answer.
  virtual Result<Said> say(std::span<const float> logits) = 0;
  // Gives what is still held back (a possible begin of a stop string, say). `reason` as the
  // scheduler sees it; the result may be more exact (tool_calls).
  virtual FinishReason close(FinishReason reason) = 0;
};

}  // namespace quern::inference
