// An instance of a component that stays, whose exported functions are called many times. Part of
// wasm/wasm.hpp.
//
//     const auto resident = TRY(linked->reside_component({.limits = {.wall = 10s, .cpu = 1s}}));
//     const auto process = TRY(resident->find("quern:log/filter@0.1.0", "process"));
//     const Buffer answer = TRY(resident->call(process, arguments.encoded()));
//     ValueReader(answer).count();
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <string_view>

namespace quern::wasm {

// Of one thread at a time. Of the sandbox's limits `wall` bounds the start, and each call with all
// its waiting; `cpu` the processor time of each call (looked at every 10 ms).
class ResidentComponent {
 public:
  enum class Function : std::uint32_t {};

  virtual ~ResidentComponent() = default;

  // A function of an exported interface, which is named with its version. not_found;
  // invalid_argument: it is of another type than this program knows it by.
  virtual Result<Function> find(std::string_view interface, std::string_view name) = 0;
  // On this thread, which waits while the guest waits for the host. Arguments and answer are in the
  // encoding of docs/formats/bridge-values.md. After an error (guest_trap, deadline_exceeded,
  // resource_exhausted) it may only be destroyed.
  virtual Result<Buffer> call(Function function, ByteView arguments) = 0;
};

}  // namespace quern::wasm
