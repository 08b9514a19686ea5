// What stands in a llama2.c checkpoint, and where. Nothing of llama.cpp is needed to read it.
// Source: https://github.com/karpathy/llama2.c, export.py.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace quern::inference {

struct Checkpoint {
  // f32[rows][columns], or where `group` is set, i8[rows][columns] and then a factor, f32, for each
  // `group` of them.
  struct Tensor {
    std::string name;  // as llama.cpp calls it
    std::uint64_t columns = 0;
    std::uint64_t rows = 1;
    std::uint64_t offset = 0;  // bytes into the file
    std::uint32_t group = 0;

    std::uint64_t elements() const { return columns * rows; }
  };

  std::uint32_t embedding = 0;
  std::uint32_t feed_forward = 0;
  std::uint32_t layers = 0;
  std::uint32_t heads = 0;
  std::uint32_t kv_heads = 0;
  std::uint32_t vocabulary = 0;
  std::uint32_t context = 0;  // tokens
  std::vector<Tensor> tensors;
};

// Absent: another kind of file, or one that cannot be read. corrupt_data: a checkpoint by its magic
// number whose shape cannot be, or that is not as long as its shape says. unsupported: a version
// that is not known. resource_exhausted: more weights than fit 8 GiB as f32.
Result<std::optional<Checkpoint>> read_checkpoint(const std::filesystem::path& path);

}  // namespace quern::inference
