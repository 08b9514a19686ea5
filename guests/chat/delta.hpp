// What one batch of events adds to an answer, sorted by kind.
#pragma once

#include "llm.hpp"

#include <optional>
#include <string>
#include <vector>

namespace quern::chat {

struct Delta {
  std::string content;
  std::string reasoning;
  std::vector<llm::ToolCallDelta> calls;  // neighbours of one call are joined
  llm::Logprobs logprobs;
  std::optional<llm::Summary> summary;

  bool empty() const {
    return content.empty() && reasoning.empty() && calls.empty() && logprobs.empty();
  }
};

Delta sum_up(const std::vector<llm::Event>& events);

}  // namespace quern::chat
