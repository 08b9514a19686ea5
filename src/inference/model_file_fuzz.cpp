// Fuzzes the check that stands before llama.cpp: bytes that claim to be a GGUF file.
#include "inference/model_file.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // One file for all inputs; in memory, because the check reads files.
  static const int file = ::memfd_create("model.gguf", MFD_CLOEXEC);
  if (::ftruncate(file, 0) != 0) std::abort();
  if (::pwrite(file, data, size, 0) != static_cast<ssize_t>(size)) std::abort();
  const auto checked = quern::inference::check_model_file("/proc/self/fd/" + std::to_string(file));
  if (!checked.ok() && checked.error().message().empty()) std::abort();
  return 0;
}
