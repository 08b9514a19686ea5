// A llama2.c checkpoint as the GGUF file that llama.cpp loads.
#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "inference/checkpoint.hpp"

#include <filesystem>

namespace quern::inference {

// A file that lives in memory, until nothing has it open or mapped. The words are read from
// tokenizer.bin beside `path`. Errors: those of read_words; resource_exhausted: no memory.
Result<UniqueFd> checkpoint_as_gguf(const std::filesystem::path& path,
                                    const Checkpoint& checkpoint);

}  // namespace quern::inference
