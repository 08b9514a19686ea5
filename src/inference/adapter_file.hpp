// Is this file a LoRA adapter that fits models of an architecture? Asked before llama.cpp opens it,
// because ggml ends the process on some files that are not.
#pragma once

#include "base/result.hpp"

#include <filesystem>
#include <string_view>

namespace quern::inference {

// not_found: no such file. corrupt_data: damage, or half of a pair of tensors. invalid_argument: no
// adapter, or for another architecture. unsupported: a kind of adapter that is not applied here:
// to experts, to norms, to the embedding of tokens, with tokens that invoke it, or quantized
// further than Q8_0.
Result<> check_adapter_file(const std::filesystem::path& path, std::string_view architecture);

}  // namespace quern::inference
