// Fuzzes the reader of llama2.c checkpoints: their shape, and the vocabulary beside them.
#include "inference/checkpoint.hpp"
#include "inference/checkpoint_words.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quern::inference;
  static const int file = ::memfd_create("checkpoint.bin", MFD_CLOEXEC);
  if (::ftruncate(file, 0) != 0) std::abort();
  if (::pwrite(file, data, size, 0) != static_cast<ssize_t>(size)) std::abort();
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  const auto checkpoint = read_checkpoint(path);
  if (checkpoint.ok() && *checkpoint) {
    for (const auto& tensor : (*checkpoint)->tensors) {
      if (tensor.offset + tensor.elements() > size) std::abort();
    }
  }
  const auto words = read_words(path, 64);
  if (words.ok() && words->size() != 64) std::abort();
  return 0;
}
