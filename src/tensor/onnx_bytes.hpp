// What can be said of an ONNX file's bytes before any library reads them.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace quern::tensor {

// Ok for an ONNX model that stands alone. permission_denied for one with tensors in further files,
// which the library would open for whoever wrote the model; unsupported for one with sparse
// tensors, which the library would make whole; corrupt_data for what is no model.
Result<> check_onnx_bytes(ByteView bytes);

}  // namespace quern::tensor
