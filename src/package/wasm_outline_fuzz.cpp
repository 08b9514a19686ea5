// WebAssembly of strangers: taken apart, and put together with itself.
#include "package/package.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const quern::ByteView wasm(reinterpret_cast<const std::byte*>(data), size);
  (void)quern::package::outline(wasm).ok();
  (void)quern::package::compose({.app = wasm, .model = wasm}).ok();
  return 0;
}
