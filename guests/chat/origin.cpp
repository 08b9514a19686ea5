// The rules of the Fetch standard's CORS protocol:
// https://fetch.spec.whatwg.org/#http-cors-protocol
#include "origin.hpp"

#include <algorithm>

namespace quern::chat {
namespace {

bool is_own(std::string_view origin, std::string_view authority) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme) && origin.substr(scheme.size()) == authority) return true;
  }
  return false;
}

}  // namespace

std::vector<std::string> parse_origins(std::string_view list) {
  std::vector<std::string> origins;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view one = list.substr(0, comma);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ') || one.ends_with('/')) one.remove_suffix(1);
    if (!one.empty()) origins.emplace_back(one);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return origins;
}

OriginKind classify_origin(const Request& request, const std::vector<std::string>& allowed) {
  const std::string_view origin = request.header("origin");
  if (origin.empty() || is_own(origin, request.authority)) return OriginKind::same;
  const bool named = std::any_of(allowed.begin(), allowed.end(), [&](const std::string& one) {
    return one == "*" || one == origin;
  });
  return named ? OriginKind::allowed : OriginKind::foreign;
}

ApiError foreign_origin() {
  ApiError error = bad_request("", "foreign_origin",
                               "This server answers pages of its own origin only. Others are "
                               "let in by quern --allow-origin ORIGIN.");
  error.status = 403;
  return error;
}

Headers sharing_headers(const Request& request) {
  return {{"access-control-allow-origin", std::string(request.header("origin"))},
          {"vary", "origin"}};
}

Response preflight(const Request& request) {
  Response response{.status = 204, .headers = sharing_headers(request), .body = {}};
  response.headers.emplace_back("access-control-allow-methods", "GET, HEAD, POST");
  response.headers.emplace_back("access-control-allow-headers", "authorization, content-type");
  response.headers.emplace_back("access-control-max-age", "600");
  return response;
}

}  // namespace quern::chat
