#include "base/host_port.hpp"

#include "base/text.hpp"

namespace quern {
namespace {

constexpr std::size_t kLongestShown = 200;

Failure bad(std::string_view text, std::string_view why) {
  return fail(ErrorKind::invalid_argument,
              "\"" + printable(text, kLongestShown) + "\" must " + std::string(why));
}

}  // namespace

Result<HostPort> parse_host_port(std::string_view text) {
  const HostAndPort parts = TRY(split_host_port(text));
  const std::string_view host = without_brackets(parts.host);
  // A bracket is at both ends or nowhere, and around nothing but an IPv6 address.
  const bool bracketed = host.size() < parts.host.size();
  const bool whole = host.find_first_of("[]") == std::string_view::npos &&
                     bracketed == (host.find(':') != std::string_view::npos);
  if (host.empty() || parts.port.empty() || !whole) return bad(text, "be \"HOST:PORT\"");
  const auto port = parse_number<std::uint16_t>(parts.port);
  if (!port.ok()) return bad(text, "end in a port, 0 to 65535");
  return HostPort{.host = std::string(host), .port = *port};
}

Result<HostAndPort> split_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const std::size_t bracket = text.rfind(']');
  const bool within = bracket != std::string_view::npos && bracket > colon;
  if (colon == std::string_view::npos || within) return HostAndPort{.host = text, .port = {}};
  const std::string_view host = text.substr(0, colon);
  if (host.find(':') != std::string_view::npos && !host.starts_with('[')) {
    return bad(text, "have its IPv6 address in brackets: \"[::1]:8080\"");
  }
  return HostAndPort{.host = host, .port = text.substr(colon + 1)};
}

std::string_view without_brackets(std::string_view host) {
  if (host.size() < 2 || !host.starts_with('[') || !host.ends_with(']')) return host;
  return host.substr(1, host.size() - 2);
}

std::string in_brackets(std::string_view host) {
  if (host.find(':') == std::string_view::npos || host.starts_with('[')) return std::string(host);
  return "[" + std::string(host) + "]";
}

}  // namespace quern
