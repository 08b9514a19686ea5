// A guest's linear memory, reached only through bounds checks. Part of wasm/wasm.hpp.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <utility>

namespace quern::wasm {

// Views are valid until the guest runs again: never keep one across a call into the guest or a
// `pending`. A range that leaves the memory is guest_trap, naming pointer, length and size.
class GuestMemory {
 public:
  // Told of each range that is handed out to be written.
  using Watch = std::function<void(std::uint32_t pointer, std::uint32_t length)>;
  explicit GuestMemory(std::span<std::byte> memory, Watch watch = nullptr)
      : memory_(memory), watch_(std::move(watch)) {}

  // To read, and to write.
  Result<ByteView> view(std::uint32_t pointer, std::uint32_t length) const;
  Result<std::span<std::byte>> span(std::uint32_t pointer, std::uint32_t length) const;
  Result<std::string_view> text(std::uint32_t pointer, std::uint32_t length) const;
  // Little-endian, at any alignment.
  Result<std::uint32_t> read_u32(std::uint32_t pointer) const;
  Result<> write_u32(std::uint32_t pointer, std::uint32_t value) const;
  Bytes size() const { return {memory_.size()}; }

 private:
  std::span<std::byte> memory_;
  Watch watch_;
};

}  // namespace quern::wasm
