#include "store/check.hpp"

#include <algorithm>

namespace quern::store {

Result<> check_key(std::string_view key) {
  if (key.size() <= kLongestKey) return {};
  return fail(ErrorKind::invalid_argument, "a key of " + std::to_string(key.size()) +
                                               " bytes; it may have " +
                                               std::to_string(kLongestKey));
}

Result<> check_value(ByteView value) {
  if (value.size() <= kLargestValue.count) return {};
  return fail(ErrorKind::invalid_argument, "a value of " + std::to_string(value.size()) +
                                               " bytes; it may have " + to_string(kLargestValue));
}

Result<> check_change(const Change& change) {
  TRY(check_key(change.key));
  return change.value ? check_value(*change.value) : Result<>();
}

bool is_store_name(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= 64 && plain(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return plain(c) || c == '-' || c == '_' || c == '.'; });
}

}  // namespace quern::store
