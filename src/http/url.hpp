// An http or https URL in its parts, and where a redirect leads.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace quern::http {

struct Url {
  bool tls = false;
  std::string host;  // without the brackets of an IPv6 address, lower case
  std::uint16_t port = 0;
  std::string target;  // path and query, begins with "/"

  // invalid_argument: another scheme, a user name in it, blanks or control characters.
  static Result<Url> parse(std::string_view text);
  // What a Location header means that was answered to this URL.
  Result<Url> resolve(std::string_view location) const;

  std::string to_string() const;
  std::string authority() const;  // "host" or "host:port", as the Host header wants it
  std::string host_and_port() const;
  bool same_origin(const Url& other) const {
    return tls == other.tls && host == other.host && port == other.port;
  }
};

}  // namespace quern::http
