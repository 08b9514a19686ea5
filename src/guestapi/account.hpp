// The model tokens that one instance uses, or several together: the budget, and who is told.
#pragma once

#include "base/guarded.hpp"
#include "base/result.hpp"
#include "guestapi/guestapi.hpp"
#include "guestapi/llm_error.hpp"
#include "inference/inference.hpp"

#include <cstdint>
#include <optional>

namespace quern::guestapi {

class Account {
 public:
  // `limit`: tokens, prompt and completion together; 0 is no limit. `meter` may be empty.
  Account(std::uint64_t limit, Meter meter) : limit_(limit), meter_(std::move(meter)) {}

  bool limited() const { return limit_ != 0; }

  // Sets tokens aside for a request; while it runs nobody else may have them.
  struct Grant {
    std::uint64_t reserved = 0;    // to be handed to settle()
    std::uint32_t max_tokens = 0;  // new tokens the request may make
    std::optional<LlmError> refusal;
  };
  // `max_tokens`: what the request asked for; absent: as many as there are. Without a limit nothing
  // is set aside, and what was asked for is granted; `prompt_tokens` need not be counted then.
  Grant reserve(std::uint64_t prompt_tokens, std::optional<std::uint32_t> max_tokens);
  // Gives back what was set aside, books what was used and tells the meter.
  void settle(std::uint64_t reserved, const inference::Usage& usage);

 private:
  struct Books {
    std::uint64_t spent = 0;
    std::uint64_t reserved = 0;
  };
  const std::uint64_t limit_;
  const Meter meter_;
  Guarded<Books> books_;
};

}  // namespace quern::guestapi
