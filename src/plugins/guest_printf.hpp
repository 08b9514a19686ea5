// printf for a guest: the format and what it prints lie in the guest's memory. Internal to
// plugins/.
#pragma once

#include "base/result.hpp"
#include "wasm/guest_memory.hpp"

#include <cstdint>
#include <string>

namespace quern::plugins {

// A text of the guest that ends with a zero byte, without it. guest_trap: it does not lie in the
// memory.
Result<std::string_view> guest_text(const wasm::GuestMemory& memory, std::uint32_t at);

// What C's printf gives for `format` and the arguments behind `arguments`, as a compiler for wasm32
// lays them out: each at a multiple of its size, int, long and pointers in 4 bytes, long long and
// double in 8. At most 1 MiB, of a format of at most 1 MiB. guest_trap: %n, a long double, a
// conversion that C does not have.
Result<std::string> guest_printf(const wasm::GuestMemory& memory, std::uint32_t format,
                                 std::uint32_t arguments);

}  // namespace quern::plugins
