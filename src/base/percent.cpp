#include "base/percent.hpp"

#include <charconv>

namespace quern {
namespace {

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~").find(c) != std::string_view::npos;
}

}  // namespace

std::string percent_encoded(std::string_view text, std::string_view plain) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c) || plain.find(c) != std::string_view::npos) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
  }
  return out;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::string_view digits = text.substr(1, 2);
    const char* const end = digits.data() + digits.size();
    unsigned code = 0;
    const bool escaped = text.front() == '%' && digits.size() == 2 &&
                         std::from_chars(digits.data(), end, code, 16).ptr == end;
    out += escaped ? static_cast<char>(code) : text.front();
    text.remove_prefix(escaped ? 3 : 1);
  }
  return out;
}

}  // namespace quern
