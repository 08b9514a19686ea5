// The ranges that wit/quern-llm/llm.wit promises, checked before the model sees a request.
#pragma once

#include "base/result.hpp"
#include "inference/inference.hpp"

namespace quern::guestapi {

// invalid_argument naming the parameter, its range and what came.
Result<> check_sampling(const inference::Sampling& sampling, const inference::ModelInfo& model);
Result<> check_chat(const inference::ChatRequest& request, const inference::ModelInfo& model);

}  // namespace quern::guestapi
