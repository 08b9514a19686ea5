#include "tensor/onnx_library.hpp"

#include "base/text.hpp"

#include "tensor/shared_library.hpp"
#include <dlfcn.h>

namespace quern::tensor {
namespace {

SharedLibrary onnx_library() {
  return {.variable = "QUERN_ONNXRUNTIME",
          .file = "libonnxruntime.so",
          .system = {"libonnxruntime.so.1", "libonnxruntime.so"},
          .package = "onnxruntime/capi",
          .missing =
              "ONNX graphs need ONNX Runtime, and no libonnxruntime.so is here: pip install "
              "onnxruntime, or name one with QUERN_ONNXRUNTIME=/path/to/libonnxruntime.so"};
}

ErrorKind kind_of(OrtErrorCode code, std::string_view message) {
  if (speaks_of_memory(message)) return ErrorKind::resource_exhausted;
  switch (code) {
    case ORT_INVALID_ARGUMENT: return ErrorKind::invalid_argument;
    case ORT_NO_SUCHFILE: return ErrorKind::not_found;
    case ORT_NO_MODEL:
    case ORT_INVALID_PROTOBUF:
    case ORT_INVALID_GRAPH: return ErrorKind::corrupt_data;
    case ORT_NOT_IMPLEMENTED: return ErrorKind::unsupported;
    case ORT_MODEL_LOAD_CANCELED: return ErrorKind::cancelled;
    default: return ErrorKind::internal;
  }
}

Result<OnnxLibrary> bind(void* library, const std::filesystem::path& place) {
  const auto base =
      reinterpret_cast<const OrtApiBase* (*)()>(dlsym(library, "OrtGetApiBase"));  // NOLINT
  if (base == nullptr) {
    return fail(ErrorKind::unsupported, place.string() + " is not ONNX Runtime");
  }
  OnnxLibrary found{.api = base()->GetApi(kOnnxApi), .version = base()->GetVersionString()};
  if (found.api != nullptr) return found;
  return fail(ErrorKind::unsupported, place.string() + " is ONNX Runtime " + found.version +
                                          "; 1.14 is the oldest that can be used");
}

}  // namespace

Result<OnnxLibrary> load_onnx_library(const Process& process, Files& files) {
  OnnxLibrary found;
  const auto use = [&](void* library, const std::filesystem::path& place) -> Result<> {
    found = TRY(bind(library, place));
    return {};
  };
  TRY(load_library(onnx_library(), process, files, use));
  return found;
}

Result<> check(const OrtApi& api, OrtStatus* status) {
  if (status == nullptr) return {};
  const std::string message(trim(api.GetErrorMessage(status)));
  const OrtErrorCode code = api.GetErrorCode(status);
  api.ReleaseStatus(status);
  return fail(kind_of(code, message), message);
}

}  // namespace quern::tensor
