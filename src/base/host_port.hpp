// "HOST:PORT" as people and peers write it. An IPv6 address stands in brackets, because its own
// colons would be taken for the one before the port.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace quern {

struct HostPort {
  std::string host;  // without brackets
  std::uint16_t port = 0;
};

// Both must be there. invalid_argument, naming the text.
Result<HostPort> parse_host_port(std::string_view text);

struct HostAndPort {
  std::string_view host;  // as it is written: an IPv6 address in its brackets
  std::string_view port;  // "": there is none
};
// Looks at nothing but colons and brackets. invalid_argument: an IPv6 address without brackets.
Result<HostAndPort> split_host_port(std::string_view text);

// "[::1]" is "::1".
std::string_view without_brackets(std::string_view host);
// "::1" is "[::1]"; names and other addresses stay as they are.
std::string in_brackets(std::string_view host);

}  // namespace quern
