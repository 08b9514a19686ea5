#include "guestapi/account.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace quern::guestapi {

Account::Grant Account::reserve(std::uint64_t prompt_tokens,
                                std::optional<std::uint32_t> max_tokens) {
  constexpr std::uint32_t kMost = std::numeric_limits<std::int32_t>::max();
  if (!limited()) return {.max_tokens = max_tokens.value_or(kMost)};
  return books_.with([&](Books& books) -> Grant {
    const std::uint64_t gone = std::min(limit_, books.spent + books.reserved);
    const std::uint64_t left = limit_ - gone;
    if (prompt_tokens >= left) {
      return {.refusal =
                  LlmError{.which = LlmError::Case::budget_exhausted,
                           .text = "the manifest grants tokens = " + std::to_string(limit_) +
                                   ", of which " + std::to_string(left) +
                                   " are left; the prompt has " + std::to_string(prompt_tokens)}};
    }
    const std::uint64_t answer = std::min(
        {left - prompt_tokens, std::uint64_t{kMost}, std::uint64_t{max_tokens.value_or(kMost)}});
    books.reserved += prompt_tokens + answer;
    return {.reserved = prompt_tokens + answer,
            .max_tokens = static_cast<std::uint32_t>(answer),
            .refusal = {}};
  });
}

void Account::settle(std::uint64_t reserved, const inference::Usage& usage) {
  const std::uint64_t used = std::uint64_t{usage.prompt_tokens} + usage.completion_tokens;
  books_.with([&](Books& books) {
    books.reserved -= reserved;
    books.spent += used;
  });
  if (meter_ && used > 0) meter_(usage);
}

std::shared_ptr<Account> shared_account(std::uint64_t tokens, Meter meter) {
  return std::make_shared<Account>(tokens, std::move(meter));
}

}  // namespace quern::guestapi
