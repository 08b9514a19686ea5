// What wit/quern-llm/llm.wit promises of a conversation, checked before the model sees it.
#pragma once

#include "base/result.hpp"
#include "inference/inference.hpp"

namespace quern::guestapi {

// invalid_argument naming what is wrong; sampling is checked as well.
Result<> check_chat(const inference::ChatRequest& request, const inference::ModelInfo& model);

}  // namespace quern::guestapi
