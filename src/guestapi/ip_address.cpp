// The ranges that are not public come from IANA's special-purpose address registries
// (https://www.iana.org/assignments/iana-ipv4-special-registry and .../iana-ipv6-special-registry).
#include "guestapi/ip_address.hpp"

#include "base/text.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace quern::guestapi {
namespace {

constexpr std::uint8_t kV4Bits = 96;  // length of ::ffff:0:0

struct Special {
  const char* range;
};
constexpr Special kSpecialV4[] = {
    {"0.0.0.0/8"},      {"10.0.0.0/8"},     {"100.64.0.0/10"}, {"127.0.0.0/8"},
    {"169.254.0.0/16"}, {"172.16.0.0/12"},  {"192.0.0.0/24"},  {"192.0.2.0/24"},
    {"192.88.99.0/24"}, {"192.168.0.0/16"}, {"198.18.0.0/15"}, {"198.51.100.0/24"},
    {"203.0.113.0/24"}, {"224.0.0.0/4"},    {"240.0.0.0/4"},
};

IpAddress v4(const std::uint8_t* four) {
  IpAddress address;
  address.bytes[10] = 0xff;
  address.bytes[11] = 0xff;
  std::memcpy(&address.bytes[12], four, 4);
  return address;
}

bool begins_with(const IpAddress& address, std::initializer_list<int> bytes) {
  return std::equal(bytes.begin(), bytes.end(), address.bytes.begin(),
                    [](int a, std::uint8_t b) { return a == b; });
}

bool is_public_v4(const IpAddress& address) {
  return std::none_of(std::begin(kSpecialV4), std::end(kSpecialV4), [&](const Special& special) {
    return parse_ip_range(special.range).value().contains(address);
  });
}

}  // namespace

Result<IpAddress> parse_ip(std::string_view text) {
  const bool bracketed = text.size() > 2 && text.front() == '[' && text.back() == ']';
  const std::string plain(bracketed ? text.substr(1, text.size() - 2) : text);
  const Failure bad =
      fail(ErrorKind::invalid_argument, "\"" + std::string(text) + "\" is not an IP address");
  if (plain.find('\0') != std::string::npos) return bad;
  in_addr four{};
  if (!bracketed && inet_pton(AF_INET, plain.c_str(), &four) == 1) {
    return v4(reinterpret_cast<const std::uint8_t*>(&four));
  }
  in6_addr six{};
  if (inet_pton(AF_INET6, plain.c_str(), &six) != 1) return bad;
  IpAddress address;
  std::memcpy(address.bytes.data(), &six, sizeof six);
  return address;
}

bool is_v4(const IpAddress& address) {
  return begins_with(address, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff});
}

bool is_public(const IpAddress& address) {
  if (is_v4(address)) return is_public_v4(address);
  // 64:ff9b::/96 carries an IPv4 address in its last four bytes, 2002::/16 in bytes 2 to 5.
  if (begins_with(address, {0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) {
    return is_public_v4(v4(&address.bytes[12]));
  }
  if (begins_with(address, {0x20, 0x02})) return is_public_v4(v4(&address.bytes[2]));
  // Global unicast is 2000::/3; Teredo (2001::/32) and documentation (2001:db8::/32) are in it.
  if ((address.bytes[0] & 0xe0) != 0x20) return false;
  return !begins_with(address, {0x20, 0x01, 0x00, 0x00}) &&
         !begins_with(address, {0x20, 0x01, 0x0d, 0xb8});
}

bool IpRange::contains(const IpAddress& address) const {
  const std::size_t whole = prefix / 8U;
  if (!std::equal(base.bytes.begin(), base.bytes.begin() + static_cast<std::ptrdiff_t>(whole),
                  address.bytes.begin())) {
    return false;
  }
  const unsigned rest = prefix % 8U;
  if (rest == 0) return true;
  const unsigned mask = (0xffU << (8U - rest)) & 0xffU;
  return (base.bytes[whole] & mask) == (address.bytes[whole] & mask);
}

Result<IpRange> parse_ip_range(std::string_view text) {
  const std::size_t slash = text.find('/');
  IpRange range{.base = TRY(parse_ip(text.substr(0, slash)))};
  if (slash == std::string_view::npos) return range;
  // Families are told apart by how the base is written, not by its value.
  const bool four = text.substr(0, slash).find(':') == std::string_view::npos;
  const auto length = TRY(parse_number<std::uint8_t>(text.substr(slash + 1)));
  if (length > (four ? 32 : 128)) {
    return fail(ErrorKind::invalid_argument,
                "\"" + std::string(text) + "\" has a prefix longer than its address");
  }
  range.prefix = static_cast<std::uint8_t>(length + (four ? kV4Bits : 0));
  for (unsigned bit = range.prefix; bit < 128; ++bit) {
    if ((range.base.bytes[bit / 8U] >> (7U - bit % 8U) & 1U) != 0) {
      return fail(ErrorKind::invalid_argument,
                  "\"" + std::string(text) + "\" has bits set after its prefix");
    }
  }
  return range;
}

}  // namespace quern::guestapi
