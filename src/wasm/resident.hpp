// An instance of a module that stays, whose functions are called many times: what a filter of log
// records is. Part of wasm/wasm.hpp.
//
//     const auto resident = TRY(linked->reside({.limits = {.wall = 10s, .cpu = 1s}}));
//     const auto add = TRY(resident->find("add", 2, Resident::Gives::number));
//     const std::uint32_t sum = TRY(resident->call(add, {{1, 2}}));
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace quern::wasm {

// Of one thread at a time. Of the sandbox's limits `wall` bounds the start,
// `cpu` the processor time of each call (looked at every 10 ms) and each wait in one.
class Resident {
 public:
  enum class Function : std::uint32_t {};
  enum class Gives : std::uint8_t { nothing, number };

  virtual ~Resident() = default;

  // An exported function of so many i32 (at most 8), with one as its result or none. not_found
  // names the exports of that type; invalid_argument: it is of another type.
  virtual Result<Function> find(std::string_view name, std::uint32_t parameters, Gives gives) = 0;
  // On this thread, in some 50 ns where the module imports nothing of WASI. After an error
  // (guest_trap, deadline_exceeded, resource_exhausted) it may only be destroyed.
  virtual Result<std::uint32_t> call(Function function,
                                     std::span<const std::uint32_t> arguments) = 0;

  // The whole memory; until the next call() or grow().
  virtual std::span<std::byte> memory() const = 0;
  // More memory, by pages of 64 KiB: where it begins. resource_exhausted: the limit, which harms
  // nobody.
  virtual Result<std::uint32_t> grow(std::uint32_t pages) = 0;
};

inline constexpr std::uint32_t kPage = 64 * 1024;

}  // namespace quern::wasm
