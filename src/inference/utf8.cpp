// Well-formed UTF-8 as in table 3-7 of the Unicode Standard: the second byte's range depends on
// the first, which excludes overlong forms, surrogates and what lies above U+10FFFF.
#include "inference/utf8.hpp"

#include <cstdint>

namespace quern::inference {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

struct Form {
  std::size_t length = 0;  // 0: cannot begin a character
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xBF;  // of the second byte
};

Form form_of(std::uint8_t first) {
  if (first < 0x80) return {1};
  if (first < 0xC2) return {0};
  if (first < 0xE0) return {2};
  if (first < 0xF0) {
    return {3, std::uint8_t(first == 0xE0 ? 0xA0 : 0x80),
            std::uint8_t(first == 0xED ? 0x9F : 0xBF)};
  }
  if (first < 0xF5) {
    return {4, std::uint8_t(first == 0xF0 ? 0x90 : 0x80),
            std::uint8_t(first == 0xF4 ? 0x8F : 0xBF)};
  }
  return {0};
}

// How many bytes at the front of `text` are a good beginning of one character.
std::size_t good_bytes(std::string_view text, const Form& form) {
  std::size_t good = 1;
  for (; good < form.length && good < text.size(); ++good) {
    const auto byte = static_cast<std::uint8_t>(text[good]);
    const bool second = good == 1;
    if (byte < (second ? form.low : 0x80) || byte > (second ? form.high : 0xBF)) break;
  }
  return good;
}

}  // namespace

std::string Utf8Gate::pass(std::string_view bytes) {
  std::string joined;
  if (!held_.empty()) {
    joined = std::move(held_);
    held_.clear();
    joined += bytes;
    bytes = joined;
  }
  std::string whole;
  whole.reserve(bytes.size());
  while (!bytes.empty()) {
    const Form form = form_of(static_cast<std::uint8_t>(bytes.front()));
    const std::size_t good = form.length == 0 ? 1 : good_bytes(bytes, form);
    if (good == form.length) {
      whole += bytes.substr(0, good);
    } else if (form.length != 0 && good == bytes.size()) {
      held_ = bytes;
      break;
    } else {
      whole += kReplacement;
    }
    bytes.remove_prefix(good);
  }
  return whole;
}

std::string Utf8Gate::flush() {
  if (held_.empty()) return {};
  held_.clear();
  return std::string(kReplacement);
}

}  // namespace quern::inference
