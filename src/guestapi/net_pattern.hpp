// One entry of a manifest's `net` or `listen`: "host:port".
//
// host: a name, "*.suffix" (any name below it), "*" (any public host), an address or a range
// ("10.0.0.0/8", "[fd00::]/8"). port: a number, "first-last" or "*".
//
// A wildcard never reaches what is not public: names that only a local resolver knows, and
// addresses of private or loopback ranges. Those must be granted by their name, address or range.
#pragma once

#include "base/host_port.hpp"
#include "base/result.hpp"
#include "guestapi/ip_address.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace quern::guestapi {

// "host:port" as guests name it, the host in lower case without a final dot; invalid_argument for
// anything that is neither a host name nor an IP address, such as "user@host", "127.1" or
// "0x7f000001", which resolvers read as addresses.
Result<HostPort> parse_target(std::string_view text);
// Is this a name that a resolver outside would know: has a dot, is not under a local suffix?
bool is_public_name(std::string_view name);

class NetPattern {
 public:
  static Result<NetPattern> parse(std::string_view text);

  bool matches_port(std::uint16_t port) const { return first_ <= port && port <= last_; }
  bool matches_name(std::string_view name) const;
  bool matches_address(const IpAddress& address) const;
  // Does it stand for hosts that its author did not spell out?
  bool is_wildcard() const { return kind_ == Kind::any || kind_ == Kind::suffix; }
  // May it stand in `listen`?
  bool is_address() const { return kind_ == Kind::range || kind_ == Kind::any; }
  bool is_any() const { return kind_ == Kind::any; }
  std::uint16_t first_port() const { return first_; }

 private:
  enum class Kind : std::uint8_t { any, suffix, name, range };
  Kind kind_ = Kind::name;
  std::string name_;  // kind name: "api.example.com"; suffix: ".example.com"
  IpRange range_;
  std::uint16_t first_ = 0;
  std::uint16_t last_ = 0;
};

}  // namespace quern::guestapi
