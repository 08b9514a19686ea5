// What can be said of a graph in OpenVINO's own form (IR) before the library reads it.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>

namespace quern::tensor {

// Ok for XML whose root is a `net` and whose elements are nested no deeper than graphs are. Weights
// are no part of it: an IR names places in them by number, and the library keeps within.
// How many layers it has, those of bodies too; corrupt_data for anything else.
Result<std::uint64_t> check_ir_bytes(ByteView bytes);

}  // namespace quern::tensor
