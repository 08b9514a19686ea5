// The vocabulary of a llama2.c checkpoint: tokenizer.bin.
// Source: https://github.com/karpathy/llama2.c, tokenizer.py.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace quern::inference {

struct CheckpointWord {
  enum class Kind : std::uint8_t { normal, unknown, control, byte };

  std::string text;  // as sentencepiece has it, and llama.cpp
  float score = 0;
  Kind kind = Kind::normal;
};

// The first `count` words; entry i is token i. All 256 bytes are among them. not_found: no such
// file. corrupt_data: fewer words, or ones that cannot be.
Result<std::vector<CheckpointWord>> read_words(const std::filesystem::path& path,
                                               std::uint32_t count);

}  // namespace quern::inference
