// How many tokens a guest's text has, and when that is counted on a lane.
#pragma once

#include "inference/inference.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace quern::guestapi {

// Longer texts keep a worker for long: a tokenizer reads some megabytes a second, this in a few
// milliseconds.
inline constexpr std::size_t kShortText = 32 * 1024;

// With control words as control tokens.
inline Result<std::uint32_t> tokens_in(const inference::Model& model, std::string_view text) {
  return static_cast<std::uint32_t>(TRY(model.tokenize(text, true)).size());
}

}  // namespace quern::guestapi
