// For tests: reads a Generation to its end, waiting as a guest would.
#pragma once

#include "inference/inference.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace quern::inference {

struct Answer {
  std::string text;
  std::string reasoning;
  std::vector<ToolCallDelta> tool_calls;
  std::vector<TokenLogprobs> logprobs;
  std::optional<Finished> finished;
  std::optional<Error> error;
};

inline bool wait_ready(Generation& generation,
                       std::chrono::milliseconds limit = std::chrono::seconds(240)) {
  auto ready = std::make_shared<std::promise<void>>();
  generation.on_ready([ready] { ready->set_value(); });
  return ready->get_future().wait_for(limit) == std::future_status::ready;
}

inline void add_event(Answer& answer, const Event& event) {
  if (const auto* content = std::get_if<Content>(&event)) answer.text += content->text;
  if (const auto* reasoning = std::get_if<Reasoning>(&event)) answer.reasoning += reasoning->text;
  if (const auto* call = std::get_if<ToolCallDelta>(&event)) answer.tool_calls.push_back(*call);
  if (const auto* finished = std::get_if<Finished>(&event)) answer.finished = *finished;
  if (const auto* logprobs = std::get_if<std::vector<TokenLogprobs>>(&event)) {
    answer.logprobs.insert(answer.logprobs.end(), logprobs->begin(), logprobs->end());
  }
}

inline Answer read_all(Generation& generation) {
  Answer answer;
  while (!answer.finished) {
    if (!wait_ready(generation)) {
      answer.error = Error(ErrorKind::deadline_exceeded, "nothing came for four minutes");
      ADD_FAILURE() << answer.error->message();
      break;
    }
    auto events = generation.read();
    if (!events.ok()) {
      answer.error = std::move(events).error();
      break;
    }
    for (const Event& event : *events) add_event(answer, event);
  }
  return answer;
}

}  // namespace quern::inference
