// IP addresses and ranges as values: what a network grant compares.
//
// Both families in one form (16 bytes, IPv4 as ::ffff:a.b.c.d), so that an IPv4 address written as
// an IPv6 one does not slip past a rule.
#pragma once

#include "base/result.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace quern::guestapi {

struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const IpAddress&) const = default;
};

// "10.0.0.1", "fd00::1", "[fd00::1]"; no zones, no octal or short forms. invalid_argument
// otherwise.
Result<IpAddress> parse_ip(std::string_view text);
bool is_v4(const IpAddress& address);
// Reachable from anywhere: not loopback, private, link-local, multicast, reserved or unspecified,
// also when it is wrapped in a translation prefix (NAT64, 6to4, Teredo).
bool is_public(const IpAddress& address);

struct IpRange {
  IpAddress base;
  std::uint8_t prefix = 128;  // leading bits of the 16-byte form that count
  bool contains(const IpAddress& address) const;
};

// An address or "address/length". The bits after the length must be zero.
Result<IpRange> parse_ip_range(std::string_view text);

}  // namespace quern::guestapi
