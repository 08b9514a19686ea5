#include "package/tar_image.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)quern::package::wasm_in_image({reinterpret_cast<const std::byte*>(data), size}).ok();
  return 0;
}
