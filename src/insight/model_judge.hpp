// The judge that is a model of this engine.
#pragma once

#include "inference/inference.hpp"

#include "insight/insight.hpp"

#include <memory>

namespace quern::insight {

// Answers are greedy, so that one question has one answer, and follow the question's grammar. No
// tools are offered. Errors: those of inference; resource_exhausted: the answer was cut off before
// it was whole, or the question does not fit.
std::shared_ptr<Judge> make_model_judge(std::shared_ptr<inference::Model> model);

}  // namespace quern::insight
