#include "cli/host_names.hpp"

#include "base/host_port.hpp"
#include "base/text.hpp"

#include <algorithm>

namespace quern::cli {
namespace {

// "[::1]:80" is "::1"; "name:80" is "name"; a name may end with the root's dot.
std::string_view without_port(std::string_view authority) {
  const auto parts = split_host_port(authority);
  std::string_view host = parts.ok() ? without_brackets(parts->host) : authority;
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

// 127.0.0.0/8 in its plain form; other spellings of it never come from a browser.
bool is_loopback_v4(std::string_view host) {
  const std::vector<std::string_view> parts = split(host, '.');
  return parts.size() == 4 && parts.front() == "127" &&
         std::all_of(parts.begin(), parts.end(),
                     [](std::string_view part) { return parse_number<std::uint8_t>(part).ok(); });
}

}  // namespace

bool is_loopback_name(std::string_view host) {
  const std::string name = to_lower(without_port(host));
  return name == "localhost" || name.ends_with(".localhost") || name == "::1" ||
         is_loopback_v4(name);
}

HostNames::HostNames(std::string_view listening_host, std::vector<std::string> allowed)
    : allowed_(std::move(allowed)),
      any_(!is_loopback_name(listening_host) ||
           std::find(allowed_.begin(), allowed_.end(), "*") != allowed_.end()) {}

bool HostNames::allow(std::string_view authority) const {
  // HTTP/1.0 without a Host; no browser speaks so.
  if (any_ || authority.empty() || is_loopback_name(authority)) return true;
  return std::any_of(allowed_.begin(), allowed_.end(), [&](const std::string& name) {
    return equal_ignoring_case(without_port(authority), without_port(name));
  });
}

}  // namespace quern::cli
