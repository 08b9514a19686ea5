// Writes JSON front to back, in the order of the calls, into one string. Commas are its matter;
// that every begin has its end is the caller's. Text that is not UTF-8 has U+FFFD in its place.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace quern::chat {

template <class T>
concept Count = std::unsigned_integral<T> && !std::same_as<T, bool>;

class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);

  JsonWriter& text(std::string_view value);
  JsonWriter& text_or_null(std::string_view value);  // empty: null
  JsonWriter& number(Count auto value) { return unsigned_number(value); }
  JsonWriter& number(float value);
  JsonWriter& number(double value);
  JsonWriter& boolean(bool value) { return raw(value ? "true" : "false"); }
  JsonWriter& null() { return raw("null"); }
  // JSON that is ready as it is.
  JsonWriter& raw(std::string_view json);

  JsonWriter& field(std::string_view name, std::string_view value) { return key(name).text(value); }
  JsonWriter& field(std::string_view name, const char* value) { return key(name).text(value); }
  JsonWriter& field(std::string_view name, Count auto value) { return key(name).number(value); }
  JsonWriter& field(std::string_view name, std::floating_point auto value) {
    return key(name).number(value);
  }
  JsonWriter& field(std::string_view name, std::same_as<bool> auto value) {
    return key(name).boolean(value);
  }

  std::string take() && { return std::move(out_); }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  JsonWriter& unsigned_number(std::uint64_t value);
  void comma();

  std::string out_;
  bool needs_comma_ = false;
};

// The same text with U+FFFD for every byte that is no part of valid UTF-8.
std::string valid_utf8(std::string_view text);

}  // namespace quern::chat
