#include "guestapi/net_pattern.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace quern::guestapi {
namespace {

constexpr std::size_t kLongestName = 253;  // RFC 1035
// RFC 6761, 6762, 8375 and the names that cloud metadata services answer to.
constexpr std::array<std::string_view, 5> kLocalSuffixes = {".localhost", ".local", ".internal",
                                                            ".home.arpa", ".lan"};

Failure bad(std::string_view text, const std::string& why) {
  return fail(ErrorKind::invalid_argument, "\"" + std::string(text) + "\" " + why);
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 &&
         std::all_of(label.begin(), label.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

// In lower case. A last label that reads as a number would be an address to some resolvers
// ("127.1", "0x7f000001", "2130706433"), so it is no name here.
bool is_name(std::string_view host) {
  if (host.empty() || host.size() > kLongestName) return false;
  const auto labels = split(host, '.');
  const std::string_view last = labels.back();
  const bool number = last.starts_with("0x") || std::all_of(last.begin(), last.end(), [](char c) {
                        return c >= '0' && c <= '9';
                      });
  return !number && std::all_of(labels.begin(), labels.end(), is_label);
}

std::string canonical(std::string_view host) {
  std::string name = to_lower(host);
  if (name.ends_with('.')) name.pop_back();
  return name;
}

Result<HostAndPort> split_both(std::string_view text) {
  HostAndPort parts = TRY(split_host_port(text));
  if (parts.host.empty() || parts.port.empty()) return bad(text, "must be \"host:port\"");
  return parts;
}

}  // namespace

Result<HostPort> parse_target(std::string_view text) {
  const HostAndPort parts = TRY(split_both(text));
  const auto port = parse_number<std::uint16_t>(parts.port);
  if (!port.ok()) return bad(text, "must end in a port, 0 to 65535");
  const std::string host = canonical(parts.host);
  if (!parse_ip(host).ok() && !is_name(host)) {
    return bad(text, "names neither a host nor an IP address");
  }
  return HostPort{.host = std::string(without_brackets(host)), .port = *port};
}

bool is_public_name(std::string_view name) {
  if (name.find('.') == std::string_view::npos) return false;
  return std::none_of(kLocalSuffixes.begin(), kLocalSuffixes.end(),
                      [&](std::string_view suffix) { return name.ends_with(suffix); });
}

Result<NetPattern> NetPattern::parse(std::string_view text) {
  const HostAndPort parts = TRY(split_both(text));
  NetPattern pattern;
  if (parts.port == "*") {
    pattern.last_ = std::numeric_limits<std::uint16_t>::max();
  } else {
    const std::size_t dash = parts.port.find('-');
    const auto first = parse_number<std::uint16_t>(parts.port.substr(0, dash));
    const auto last = dash == std::string_view::npos
                          ? first
                          : parse_number<std::uint16_t>(parts.port.substr(dash + 1));
    if (!first.ok() || !last.ok() || *first > *last) {
      return bad(text, "must end in a port: a number up to 65535, \"first-last\" or \"*\"");
    }
    pattern.first_ = *first;
    pattern.last_ = *last;
  }
  const std::string host = canonical(parts.host);
  if (parts.host == "*") {
    pattern.kind_ = Kind::any;
  } else if (host.starts_with("*.") && is_name(std::string_view(host).substr(2))) {
    pattern.kind_ = Kind::suffix;
    pattern.name_ = host.substr(1);
  } else if (host.find('/') != std::string::npos || parse_ip(host).ok()) {
    auto range = parse_ip_range(host);
    if (!range.ok()) return bad(text, "has no valid address range: " + range.error().message());
    pattern.kind_ = Kind::range;
    pattern.range_ = *range;
  } else if (is_name(host)) {
    pattern.name_ = host;
  } else {
    return bad(text, "must name a host, \"*.domain\", \"*\", an address or a range");
  }
  return pattern;
}

bool NetPattern::matches_name(std::string_view name) const {
  switch (kind_) {
    case Kind::any: return is_public_name(name);
    case Kind::suffix: return is_public_name(name) && name.ends_with(name_);
    case Kind::name: return name == name_;
    case Kind::range: return false;
  }
  return false;
}

bool NetPattern::matches_address(const IpAddress& address) const {
  if (kind_ == Kind::any) return is_public(address);
  return kind_ == Kind::range && range_.contains(address);
}

}  // namespace quern::guestapi
