// Compiled instead of the OpenVINO files where set-up could not fetch OpenVINO's C headers.
#include "tensor/tensor.hpp"

namespace quern::tensor {

Result<std::unique_ptr<Engine>> open_openvino(const EngineOptions& /*options*/,
                                              const Process& /*process*/, Files& /*files*/) {
  return fail(ErrorKind::not_found, "this build of quern knows no OpenVINO");
}

}  // namespace quern::tensor
