// Small conversions between our types and the bridge's. Internal to wasm/.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wasm/bridge/bridge.h"

#include <string>
#include <string_view>

namespace quern::wasm {

inline qb_bytes borrow(ByteView bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}
inline qb_bytes borrow(std::string_view text) { return borrow(as_bytes(text)); }

inline ByteView view(qb_bytes bytes) {
  return {reinterpret_cast<const std::byte*>(bytes.data), bytes.size};
}
inline std::string text(qb_bytes bytes) { return std::string(as_text(view(bytes))); }

// Copies and frees.
inline std::string take_text(qb_buffer buffer) {
  std::string copy(reinterpret_cast<const char*>(buffer.data), buffer.size);
  qb_buffer_free(buffer);
  return copy;
}
inline Buffer take_bytes(qb_buffer buffer) {
  const auto* begin = reinterpret_cast<const std::byte*>(buffer.data);
  Buffer copy(begin, begin + buffer.size);
  qb_buffer_free(buffer);
  return copy;
}

// bridge.h counts kinds from 1; 0 is success.
inline std::uint32_t kind_code(ErrorKind kind) { return static_cast<std::uint32_t>(kind) + 1; }
inline Error make_error(std::uint32_t kind, std::string message) {
  return {static_cast<ErrorKind>(kind - 1), std::move(message)};
}

// The error of a bridge call as a Result; frees it.
inline Result<> check(qb_error error) {
  std::string message = take_text(error.message);
  if (error.kind == 0) return {};
  return fail(make_error(error.kind, std::move(message)));
}

}  // namespace quern::wasm
