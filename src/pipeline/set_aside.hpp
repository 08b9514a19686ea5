// A folder of segments that is emptied once more: set aside first, so that what comes meanwhile
// goes into a new one, and not round and round.
#pragma once

#include "base/files.hpp"

#include "logs/batch.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>

namespace quern::pipeline {

// What is behind the name of a folder that is set aside; no stage's name has a dot.
inline constexpr std::string_view kAside = ".replay";

// Where `folder` lies when it is set aside.
std::filesystem::path aside_of(const std::filesystem::path& folder);

// Sets it aside. One that was not emptied to its end lies there still, and comes first. Nothing:
// there is neither.
Result<std::optional<std::filesystem::path>> set_aside(Files& files,
                                                       const std::filesystem::path& folder);

// Gives all that lies there to `take`, oldest first, forgets what it takes, and removes the folder
// at the end; how many records. It ends with the first error of `take`. unavailable: somebody else
// empties it.
using TakeBatch = std::function<Result<>(logs::Batch)>;
Result<std::uint64_t> empty_aside(Files& files, const std::filesystem::path& aside,
                                  const TakeBatch& take);

}  // namespace quern::pipeline
