// The answers that apphost gives in a guest's place, and the one table from ErrorKind to them.
#pragma once

#include "base/error.hpp"
#include "http/http.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace quern::apphost {

struct Refusal {
  std::uint16_t status = 500;
  std::string_view type;  // OpenAI's error.type
  std::string_view code;  // OpenAI's error.code
  std::string message;
  http::Headers headers;  // besides content-type and x-request-id
};

Refusal bad_key(const Error& why);
Refusal too_many_requests();
Refusal too_many_bytes();
// There is no response. A guest's own words are for the log, not for strangers; invalid_argument is
// what the engine says of a request that no guest could be given, and the client's fault.
Refusal guest_failed(const Error& why, std::string_view request_id);

// {"error":{"message":...,"type":...,"param":null,"code":...}}
std::string body_of(const Refusal& refusal);

}  // namespace quern::apphost
