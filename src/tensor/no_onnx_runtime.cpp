// Compiled instead of the ONNX files where set-up could not fetch ONNX Runtime's C header.
#include "tensor/tensor.hpp"

namespace quern::tensor {

Result<std::unique_ptr<Engine>> open_onnx_runtime(const EngineOptions& /*options*/,
                                                  const Process& /*process*/, Files& /*files*/) {
  return fail(ErrorKind::not_found, "this build of quern knows no ONNX Runtime");
}

}  // namespace quern::tensor
