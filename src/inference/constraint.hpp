// What a grammar lets be said next.
#pragma once

#include "inference/inference.hpp"

#include <span>

namespace quern::inference {

class Constraint {
 public:
  virtual ~Constraint() = default;
  // An error of any of these ends the answer; none takes longer than a step may.
  // Cheap: looks at one token.
  virtual Result<bool> allows(Token token) = 0;
  // Dear: sets the logit of every forbidden token to minus infinity.
  virtual Result<> mask(std::span<float> logits) = 0;
  // `token` was said. An error: it did not fit.
  virtual Result<> accept(Token token) = 0;
};

}  // namespace quern::inference
