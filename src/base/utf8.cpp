#include "base/utf8.hpp"

#include <array>

namespace quern {

Character first_character(std::string_view text) {
  constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned head = byte(0);
  if (head < 0x80) return {.code = head, .bytes = 1};
  if (head < 0xc2 || head > 0xf4) return {};
  const std::size_t bytes = head < 0xe0 ? 2U : head < 0xf0 ? 3U : 4U;
  if (text.size() < bytes) return {};
  char32_t code = head & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return {};
    code = (code << 6U) | (byte(i) & 0x3fU);
  }
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kLeast.at(bytes) || code > 0x10ffff || surrogate) return {};
  return {.code = code, .bytes = bytes};
}

std::string to_utf8(char32_t code) {
  const auto byte = [](char32_t bits) { return static_cast<char>(bits); };
  const auto tail = [&](unsigned shift) { return byte(0x80U | ((code >> shift) & 0x3fU)); };
  if (code < 0x80) return {byte(code)};
  if (code < 0x800) return {byte(0xc0U | (code >> 6U)), tail(0)};
  if (code < 0x10000) return {byte(0xe0U | (code >> 12U)), tail(6), tail(0)};
  return {byte(0xf0U | (code >> 18U)), tail(12), tail(6), tail(0)};
}

}  // namespace quern
