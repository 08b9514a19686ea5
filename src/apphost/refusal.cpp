// The form of errors is that of the OpenAI API
// (https://platform.openai.com/docs/guides/error-codes), because its clients are what most people
// point at a guest here.
#include "apphost/refusal.hpp"

#include <nlohmann/json.hpp>

namespace quern::apphost {
namespace {

constexpr std::string_view kServer = "server_error";

Refusal overloaded(std::string message) {
  return {.status = 503,
          .type = kServer,
          .code = "overloaded",
          .message = std::move(message),
          .headers = {{"retry-after", "1"}}};
}

}  // namespace

Refusal bad_key(const Error& why) {
  return {.status = 401,
          .type = "invalid_request_error",
          .code = "invalid_api_key",
          .message = why.message(),
          .headers = {{"www-authenticate", "Bearer"}}};
}

Refusal too_many_requests() {
  return overloaded("too many requests are in progress; try again shortly");
}

Refusal too_many_bytes() {
  return overloaded("the requests in progress are too large together; try again shortly");
}

Refusal guest_failed(const Error& why, std::string_view request_id) {
  const std::string see = "; the server's log says more under " + std::string(request_id);
  switch (why.kind()) {
    case ErrorKind::invalid_argument:
      return {.status = 400,
              .type = "invalid_request_error",
              .code = "invalid_request",
              .message = "the request cannot be passed on: " + why.message(),
              .headers = {}};
    case ErrorKind::deadline_exceeded:
      return {.status = 504,
              .type = kServer,
              .code = "deadline_exceeded",
              .message = "the program took longer than it may" + see,
              .headers = {}};
    case ErrorKind::resource_exhausted:
      return {.status = 507,
              .type = kServer,
              .code = "resource_exhausted",
              .message = "the program needed more than it may use" + see,
              .headers = {}};
    case ErrorKind::unavailable:
    case ErrorKind::cancelled:
      return {.status = 503,
              .type = kServer,
              .code = "unavailable",
              .message = "the server is shutting down or short of a part" + see,
              .headers = {{"retry-after", "1"}}};
    case ErrorKind::guest_trap:
      return {.status = 500,
              .type = kServer,
              .code = "guest_trap",
              .message = "the program failed while it answered" + see,
              .headers = {}};
    case ErrorKind::not_found:
    case ErrorKind::already_exists:
    case ErrorKind::permission_denied:
    case ErrorKind::unsupported:
    case ErrorKind::corrupt_data:
    case ErrorKind::internal: break;
  }
  return {.status = 500,
          .type = kServer,
          .code = "internal",
          .message = "the server could not run the program" + see,
          .headers = {}};
}

std::string body_of(const Refusal& refusal) {
  const nlohmann::json body = {{"error",
                                {{"message", refusal.message},
                                 {"type", refusal.type},
                                 {"param", nullptr},
                                 {"code", refusal.code}}}};
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace quern::apphost
