// The requests of quern_chat and quern_complete: JSON in the words of OpenAI's API, as values.
#pragma once

#include "base/result.hpp"
#include "inference/inference.hpp"

#include <chrono>
#include <optional>
#include <string_view>

namespace quern::capi {

template <class Request>
struct Asked {
  Request request;
  std::optional<std::chrono::milliseconds> longest;
};

// invalid_argument names the member at fault. Ranges of sampling are checked by the model.
Result<Asked<inference::ChatRequest>> read_chat_request(std::string_view json);
Result<Asked<inference::CompletionRequest>> read_completion_request(std::string_view json);

}  // namespace quern::capi
