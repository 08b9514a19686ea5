// What a GGUF file says of itself, read with every claim held against the file. Not its weights.
#pragma once

#include "base/result.hpp"
#include "inference/model_metadata.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace quern::inference {

struct GgufTensor {
  std::string name;
  std::vector<std::uint64_t> shape;  // the fastest dimension first
  std::uint32_t type = 0;            // a ggml_type
};

struct GgufFile {
  Metadata metadata;
  std::vector<GgufTensor> tensors;  // at least one; all of their bytes are in the file
};

// Asked before the tensors are looked at; its error is the file's.
using CheckMetadata = Result<> (*)(const Metadata&);

// not_found: no such file. corrupt_data: empty, not GGUF, truncated, or a count, length, type or
// offset in it that cannot be. unsupported: a GGUF version or form that this build does not read.
// `what` it is to be, in errors: "model", "adapter".
Result<GgufFile> read_gguf(const std::filesystem::path& path, std::string_view what,
                           CheckMetadata check_metadata);

}  // namespace quern::inference
