#include "http/request_id.hpp"

#include "base/log.hpp"

#include <array>
#include <random>

namespace quern::http {
namespace {

std::uint64_t random_key() {
  std::random_device device;
  return (std::uint64_t{device()} << 32U) | device();
}

}  // namespace

RequestIds::RequestIds() : key_(random_key()) {}

// The number is scrambled by a bijection (splitmix64's finalizer) under a key of this process.
std::string RequestIds::name(std::uint64_t number) const {
  std::uint64_t x = number ^ key_;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
  x ^= x >> 31U;
  std::array<char, 16> hex{};
  for (std::size_t i = 0; i < hex.size(); ++i) {
    hex[i] = "0123456789abcdef"[(x >> (60U - 4U * i)) & 0xfU];
  }
  return "req_" + std::string(hex.data(), hex.size());
}

std::string RequestIds::tell(const Refusal& refusal, std::string_view peer) const {
  const std::uint64_t number = log::next_request_id();
  std::string id = name(number);
  log::info("http", "[req " + std::to_string(number) +
                        "] refused: " + std::to_string(refusal.status) + " " +
                        std::string(refusal.why) + ", from " + std::string(peer) + " (" + id + ")");
  return id;
}

}  // namespace quern::http
