// Fuzzes the look at an IR's bytes that decides whether the library may have them.
#include "tensor/ir_bytes.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quern;
  const ByteView bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto checked = tensor::check_ir_bytes(bytes);
  if (!checked.ok() && checked.error().kind() != ErrorKind::corrupt_data) std::abort();
  return 0;
}
