// What a filter's function returned, read out of the guest's memory. Internal to plugins/.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <string_view>

namespace quern::plugins {

// Ways in which a plugin fails; their names are labels of metrics.
enum class Fault : std::uint8_t {
  trap,         // it broke a rule of WebAssembly, or called exit or abort
  time,         // a call took longer than it may
  memory,       // it wanted more than it may
  not_json,     // what came back is no JSON
  not_object,   // it is JSON, but no object: an array, or one object after the other
  not_msgpack,  // it is no msgpack map
  bad_address,  // what came back lies outside of the memory, or has no end
  too_large,    // it is larger than a record may be
  unfit,        // the record itself cannot be JSON: it is too deep
  out_of_work,  // the plugin was not called: it failed too often
};
inline constexpr std::size_t kFaults = 10;
std::string_view to_string(Fault fault);

enum class Verdict : std::uint8_t { unchanged, changed, drop, fault };

struct Answer {
  Verdict verdict = Verdict::unchanged;
  ByteView record{};  // where `changed`: a msgpack map in `into`
  Fault fault{};
  std::string why{};
};

// A text that ends with a zero byte; `given` is what the guest got. A new body goes to `into`.
Answer read_json(std::span<const std::byte> memory, std::uint32_t returned, std::string_view given,
                 Buffer& into);
// A msgpack map, whose own bytes say how long it is.
Answer read_msgpack(std::span<const std::byte> memory, std::uint32_t returned, Buffer& into);

}  // namespace quern::plugins
