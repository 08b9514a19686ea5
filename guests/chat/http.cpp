#include "http.hpp"

namespace quern::chat {

std::string make_id(std::string_view prefix, std::uint64_t random) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz234567";
  std::string id(prefix);
  for (int i = 0; i < 12; ++i) {
    id += kLetters[random & 31U];
    random >>= 5U;
  }
  return id;
}

Response json_response(std::string body) {
  return {.status = 200,
          .headers = {{"content-type", "application/json"}, {"cache-control", "no-store"}},
          .body = std::move(body)};
}

Response error_response(const ApiError& error) {
  Response response = json_response(to_json(error));
  response.status = error.status;
  if (error.retry_after_s) {
    response.headers.emplace_back("retry-after", std::to_string(*error.retry_after_s));
  }
  if (!error.allow.empty()) response.headers.emplace_back("allow", error.allow);
  return response;
}

void send(Responder& responder, const Response& response) {
  Headers headers = response.headers;
  // 204 and 304 have no body by nature and may not speak of one (RFC 9110, 8.6).
  const bool bodiless = response.status == 204 || response.status == 304;
  if (!bodiless) headers.emplace_back("content-length", std::to_string(response.body.size()));
  responder.start(response.status, headers);
  if (!response.body.empty()) responder.write(response.body);
}

}  // namespace quern::chat
