// Fuzzes the check that stands before llama.cpp: bytes that claim to be a LoRA adapter.
#include "inference/adapter_file.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // One file for all inputs; in memory, because the check reads files.
  static const int file = ::memfd_create("adapter.gguf", MFD_CLOEXEC);
  if (::ftruncate(file, 0) != 0) std::abort();
  if (::pwrite(file, data, size, 0) != static_cast<ssize_t>(size)) std::abort();
  const auto checked =
      quern::inference::check_adapter_file("/proc/self/fd/" + std::to_string(file), "llama");
  if (!checked.ok() && checked.error().message().empty()) std::abort();
  return 0;
}
