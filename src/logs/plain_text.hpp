// What most of a JSON string is: characters that stand for themselves. Internal to logs/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace quern::logs {

inline bool is_plain(char c) {
  return static_cast<signed char>(c) >= 0x20 && c != '"' && c != '\\';
}

// How many bytes `text` begins with that are ASCII, no control characters, no quote and no
// backslash. Sixteen at a time: strings of records are long, and are read and written whole.
inline std::size_t plain_prefix(std::string_view text) {
  using Lane = signed char __attribute__((vector_size(16)));
  std::size_t at = 0;
  for (; at + sizeof(Lane) <= text.size(); at += sizeof(Lane)) {
    Lane bytes;
    std::memcpy(&bytes, text.data() + at, sizeof(bytes));
    // As signed numbers, bytes from 0x80 on are below 0x20, too.
    const auto special = (bytes < 0x20) | (bytes == '"') | (bytes == '\\');
    std::uint64_t halves[2];  // NOLINT(modernize-avoid-c-arrays)
    std::memcpy(halves, &special, sizeof(halves));
    if ((halves[0] | halves[1]) != 0) break;
  }
  while (at < text.size() && is_plain(text[at])) ++at;
  return at;
}

}  // namespace quern::logs
