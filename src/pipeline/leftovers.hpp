// What lies in the state folder and nobody reads: the buffer of an output that the file does not
// have any more, or has with a buffer in memory now; dead letters of a stage that is gone.
#pragma once

#include "base/files.hpp"

#include "pipeline/pipeline.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace quern::pipeline {

std::filesystem::path buffer_folder(const std::filesystem::path& state, std::string_view stage);
std::filesystem::path dead_folder(const std::filesystem::path& state, std::string_view stage);

// `is_read`: a stage that runs reads what it has of this kind in its folder. Everything else is
// counted, which reads it once. What somebody empties just now is left out.
using IsRead = std::function<bool(Leftover::Kind kind, const std::string& stage)>;
std::vector<Leftover> find_leftovers(Files& files, const std::filesystem::path& state,
                                     const IsRead& is_read);

// "the buffer of old (PATH): 12 records, 3.4 KiB".
std::string describe(const Leftover& left);

}  // namespace quern::pipeline
