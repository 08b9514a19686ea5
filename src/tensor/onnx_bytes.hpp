// What can be said of an ONNX file's bytes before any library reads them.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>

namespace quern::tensor {

struct OnnxContents {
  std::uint64_t nodes = 0;  // those of bodies and functions too, each once
  bool functions = false;   // a node may stand for many: functions call functions
};

// Ok for an ONNX model that stands alone. permission_denied for one with tensors in further files,
// which the library would open for whoever wrote the model; unsupported for one with sparse
// tensors, which the library would make whole; corrupt_data for what is no model.
Result<OnnxContents> check_onnx_bytes(ByteView bytes);

}  // namespace quern::tensor
