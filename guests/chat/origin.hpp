// Which web pages may talk to this server: those that it served itself, and those that the
// manifest names (QUERN_CORS_ORIGINS: origins with commas between, or "*").
//
// Browsers put an Origin on every request that a page of another site makes, also on those that
// need no permission to be sent. Such a request is refused before it costs anything; other
// clients send no Origin and are not concerned.
#pragma once

#include "http.hpp"

#include <string>
#include <vector>

namespace quern::chat {

std::vector<std::string> parse_origins(std::string_view list);

enum class OriginKind : std::uint8_t { same, allowed, foreign };

OriginKind classify_origin(const Request& request, const std::vector<std::string>& allowed);

ApiError foreign_origin();

// The headers that let a page of an allowed origin read the response.
Headers sharing_headers(const Request& request);

// The answer to the question that a browser asks before it lets an allowed page send JSON.
Response preflight(const Request& request);

}  // namespace quern::chat
