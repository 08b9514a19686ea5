// A prompt's text to tokens.
#pragma once

#include "inference/control_words.hpp"
#include "inference/weights.hpp"

#include <functional>
#include <vector>

namespace quern::inference {

// Asked between two pieces of a long prompt, which takes seconds: an error ends the reading.
using KeepOn = std::function<Result<>()>;

// With the tokens that the model wants at a prompt's begin and end. invalid_argument: it has none.
Result<std::vector<Token>> tokens_of(const Weights& weights, const Prompt& prompt,
                                     const KeepOn& keep_on);

}  // namespace quern::inference
