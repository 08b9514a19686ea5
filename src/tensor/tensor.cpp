#include "tensor/tensor.hpp"

#include <array>
#include <limits>

namespace quern::tensor {

std::string_view to_string(ElementType type) {
  switch (type) {
    case ElementType::f16: return "F16";
    case ElementType::f32: return "F32";
    case ElementType::f64: return "F64";
    case ElementType::bf16: return "BF16";
    case ElementType::u8: return "U8";
    case ElementType::i32: return "I32";
    case ElementType::i64: return "I64";
  }
  return "unknown";
}

std::string_view to_string(Encoding encoding) {
  switch (encoding) {
    case Encoding::openvino: return "OpenVINO";
    case Encoding::onnx: return "ONNX";
    case Encoding::tensorflow: return "TensorFlow";
    case Encoding::tensorflow_lite: return "TensorFlow Lite";
  }
  return "unknown";
}

std::size_t bytes_of(ElementType type) {
  switch (type) {
    case ElementType::u8: return 1;
    case ElementType::f16:
    case ElementType::bf16: return 2;
    case ElementType::f32:
    case ElementType::i32: return 4;
    case ElementType::f64:
    case ElementType::i64: return 8;
  }
  return 1;
}

Result<> check(const Tensor& tensor) {
  // Shapes multiply beyond 64 bits; whatever is above the bytes that are there is wrong anyway.
  constexpr std::uint64_t kFar = std::numeric_limits<std::uint64_t>::max() >> 32U;
  std::uint64_t expected = bytes_of(tensor.type);
  bool empty = false;
  for (const std::uint32_t size : tensor.shape) {
    empty = empty || size == 0;
    if (size > 0) expected = expected > kFar ? expected : expected * size;
  }
  if (empty) expected = 0;
  if (expected == tensor.bytes.size()) return {};
  std::string shape;
  for (const std::uint32_t size : tensor.shape) {
    shape += (shape.empty() ? "" : "x") + std::to_string(size);
  }
  return fail(ErrorKind::invalid_argument, "a tensor of " + (shape.empty() ? "one" : shape) + " " +
                                               std::string(to_string(tensor.type)) + " with " +
                                               std::to_string(tensor.bytes.size()) + " bytes");
}

std::vector<Library> known_libraries(const EngineOptions& options, const Process& process,
                                     Files& files) {
  static constexpr std::array kOnnxRuntime = {Encoding::onnx};
  static constexpr std::array kOpenVino = {Encoding::openvino, Encoding::tensorflow,
                                           Encoding::tensorflow_lite, Encoding::onnx};
  return {{.name = "ONNX Runtime",
           .reads = kOnnxRuntime,
           .open = [=, &process, &files] { return open_onnx_runtime(options, process, files); }},
          {.name = "OpenVINO", .reads = kOpenVino, .open = [=, &process, &files] {
             return open_openvino(options, process, files);
           }}};
}

}  // namespace quern::tensor
