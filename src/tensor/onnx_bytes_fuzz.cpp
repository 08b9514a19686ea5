// Fuzzes the look at a model's bytes that decides whether the library may have them.
#include "tensor/onnx_bytes.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quern;
  const ByteView bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto checked = tensor::check_onnx_bytes(bytes);
  if (checked.ok()) return 0;
  const ErrorKind kind = checked.error().kind();
  const bool known = kind == ErrorKind::corrupt_data || kind == ErrorKind::permission_denied ||
                     kind == ErrorKind::unsupported;
  if (!known) std::abort();
  return 0;
}
