// Errors as OpenAI's API words them: a status, and {"error": {message, type, param, code}}.
// Programs act on status, code and param; the message is for people.
#pragma once

#include "llm.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quern::chat {

struct ApiError {
  int status = 400;
  std::string message;
  std::string type = "invalid_request_error";
  std::string param;  // empty: null
  std::string code;   // empty: null
  std::optional<std::uint32_t> retry_after_s;
  std::string allow;  // the Allow header of a 405
};

// {"error": {...}}
std::string to_json(const ApiError& error);

// The one table from the model's errors to this API's. `input` is the parameter that holds the
// prompt at this endpoint ("messages", "prompt", "input"); `model` is the name the client asked
// for.
ApiError from_llm(const llm::Error& error, std::string_view input, std::string_view model);

// 400 with the parameter named. `code` as OpenAI's: "invalid_value", "missing_required_parameter".
ApiError bad_request(std::string param, std::string code, std::string message);

ApiError body_too_large(std::size_t limit);

}  // namespace quern::chat
