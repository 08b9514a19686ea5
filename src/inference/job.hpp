// One request as the scheduler sees it: tokens in, a Speaker that turns logits into an answer, and
// the channel to its reader. Passed by unique_ptr from thread to thread.
#pragma once

#include "inference/event_channel.hpp"
#include "inference/speaker.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace quern::inference {

struct Job {
  using Time = std::chrono::steady_clock::time_point;

  std::string tenant;
  std::uint64_t request = 0;  // its number in the log; 0: none
  Deadline deadline = Deadline::never();
  std::uint32_t max_tokens = 0;  // of the answer
  std::vector<Token> tokens;     // the prompt; the answer's tokens are added as they come
  std::unique_ptr<Speaker> speaker;
  std::shared_ptr<EventChannel> channel;

  Usage usage;  // prompt_tokens is set by who makes the job
  Time admitted;
  Time started;      // first got a place; unset before
  Time first_token;  // unset before
};

}  // namespace quern::inference
