#include "wasm/guest_memory.hpp"

#include <algorithm>
#include <array>

namespace quern::wasm {

Result<ByteView> GuestMemory::view(std::uint32_t pointer, std::uint32_t length) const {
  const std::uint64_t end = std::uint64_t{pointer} + length;
  if (end > memory_.size()) {
    return fail(ErrorKind::guest_trap,
                "the guest named memory that is not there: " + std::to_string(length) +
                    " bytes at " + std::to_string(pointer) + " of " +
                    std::to_string(memory_.size()));
  }
  return memory_.subspan(pointer, length);
}

Result<std::span<std::byte>> GuestMemory::span(std::uint32_t pointer, std::uint32_t length) const {
  TRY(view(pointer, length));
  if (watch_) watch_(pointer, length);
  return memory_.subspan(pointer, length);
}

Result<std::string_view> GuestMemory::text(std::uint32_t pointer, std::uint32_t length) const {
  return as_text(TRY(view(pointer, length)));
}

Result<std::uint32_t> GuestMemory::read_u32(std::uint32_t pointer) const {
  const ByteView bytes = TRY(view(pointer, 4));
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8U | std::to_integer<std::uint32_t>(bytes[i]);
  return value;
}

Result<> GuestMemory::write_u32(std::uint32_t pointer, std::uint32_t value) const {
  const std::span<std::byte> bytes = TRY(span(pointer, 4));
  for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<std::byte>(value >> (8 * i));
  return {};
}

}  // namespace quern::wasm
