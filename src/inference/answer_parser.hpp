// Reads a model's own format for reasoning and tool calls out of its text as it comes.
#pragma once

#include "inference/inference.hpp"

#include <string_view>
#include <vector>

namespace quern::inference {

class AnswerParser {
 public:
  virtual ~AnswerParser() = default;
  // More text of the answer; returns what it adds to the message.
  virtual std::vector<Event> add(std::string_view text) = 0;
  // No more text comes. `cut`: the answer was not ended by the model.
  enum class End : std::uint8_t { whole, cut };
  virtual std::vector<Event> end(End end) = 0;
  virtual bool calls_tools() const = 0;
};

}  // namespace quern::inference
