#include "api_error.hpp"

#include "json_writer.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace quern::chat {

std::string to_json(const ApiError& error) {
  JsonWriter json;
  json.begin_object().key("error").begin_object();
  json.field("message", error.message).field("type", error.type);
  json.key("param").text_or_null(error.param);
  json.key("code").text_or_null(error.code);
  json.end_object().end_object();
  return std::move(json).take();
}

ApiError bad_request(std::string param, std::string code, std::string message) {
  return {.status = 400,
          .message = std::move(message),
          .type = "invalid_request_error",
          .param = std::move(param),
          .code = std::move(code),
          .retry_after_s = {},
          .allow = {}};
}

ApiError body_too_large(std::size_t limit) {
  ApiError error =
      bad_request("", "request_too_large",
                  "The request's body is larger than " + std::to_string(limit) + " bytes.");
  error.status = 413;
  return error;
}

namespace {

ApiError with_status(int status, std::string type, std::string code, std::string message) {
  ApiError error = bad_request("", std::move(code), std::move(message));
  error.status = status;
  error.type = std::move(type);
  return error;
}

ApiError context_full(const llm::Error& error, std::string_view input) {
  return bad_request(std::string(input), "context_length_exceeded",
                     "This model's maximum context length is " +
                         std::to_string(error.context_tokens) + " tokens, and '" +
                         std::string(input) + "' comes to " + std::to_string(error.prompt_tokens) +
                         " tokens. Please shorten it.");
}

ApiError overloaded(const llm::Error& error) {
  ApiError answer = with_status(429, "requests", "rate_limit_exceeded",
                                "The engine's queue is full. Please try again later.");
  answer.retry_after_s = error.retry_ms / 1000 + (error.retry_ms % 1000 == 0 ? 0 : 1);
  return answer;
}

// The engine begins with the name of the parameter that it refuses.
ApiError invalid(const std::string& text) {
  static constexpr std::array<std::string_view, 12> kParameters = {
      "temperature",       "top_p",    "min_p",      "repeat_penalty", "repeat_last_n",
      "presence_penalty",  "logprobs", "logit_bias", "max_tokens",     "stop",
      "frequency_penalty", "top_k"};
  const std::string_view first = std::string_view(text).substr(0, text.find(' '));
  const bool known = std::find(kParameters.begin(), kParameters.end(), first) != kParameters.end();
  return bad_request(known ? std::string(first) : "", "invalid_value", text);
}

}  // namespace

ApiError from_llm(const llm::Error& error, std::string_view input, std::string_view model) {
  const std::string& text = error.text;
  switch (error.kind) {
    case llm::ErrorKind::invalid_argument: return invalid(text);
    // What this server was not granted does not exist for its clients.
    case llm::ErrorKind::permission_denied:
    case llm::ErrorKind::model_not_found: {
      ApiError answer = bad_request("model", "model_not_found",
                                    "The model '" + std::string(model) + "' does not exist here.");
      answer.status = 404;
      return answer;
    }
    case llm::ErrorKind::context_full: return context_full(error, input);
    case llm::ErrorKind::overloaded: return overloaded(error);
    case llm::ErrorKind::budget_exhausted:
      return with_status(429, "insufficient_quota", "insufficient_quota", text);
    case llm::ErrorKind::deadline_exceeded:
      return with_status(504, "server_error", "timeout", "The time for this request is over.");
    case llm::ErrorKind::cancelled:
      return with_status(503, "server_error", "cancelled", "The request was cancelled.");
    case llm::ErrorKind::unsupported: return bad_request("", "unsupported_value", text);
    case llm::ErrorKind::internal: break;
  }
  return with_status(500, "server_error", "internal_error", text);
}

}  // namespace quern::chat
