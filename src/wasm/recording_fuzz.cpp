// A file that calls itself a recording: it is records, an early end or damage, and what was read is
// read again from what is written of it. The reader and its checks are Rust (bridge/fuzz).
#include <cstddef>
#include <cstdint>

extern "C" void quern_fuzz_recording(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quern_fuzz_recording(data, size);
  return 0;
}
