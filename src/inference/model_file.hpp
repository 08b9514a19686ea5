// Is this file what it claims to be? Asked before llama.cpp opens it, because ggml aborts the
// process on some files that are not.
#pragma once

#include "base/result.hpp"

#include <filesystem>

namespace quern::inference {

// not_found: no such file. corrupt_data: empty, not GGUF, truncated, or a count, length, type or
// offset in it that cannot be. unsupported: a GGUF version or form that this build does not read.
Result<> check_model_file(const std::filesystem::path& path);

}  // namespace quern::inference
