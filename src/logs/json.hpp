// JSON (https://www.rfc-editor.org/rfc/rfc8259) to msgpack; the other way is msgpack::to_json.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <string_view>

namespace quern::logs {

// Appends one value as one msgpack object. Whole numbers stay whole where 64 bits hold them, others
// become doubles. corrupt_data with the offset: it is no JSON, more follows, or it is deeper than
// msgpack::kDeepest.
Result<> from_json(std::string_view json, Buffer& out);

}  // namespace quern::logs
