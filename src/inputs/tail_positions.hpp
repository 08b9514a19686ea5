// Where tail goes on after a restart: a small file of lines, placed whole
// (docs/formats/tail-positions.md).
#pragma once

#include "base/files.hpp"

#include "inputs/tailed_file.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace quern::inputs {

struct KeptPosition {
  FileId id;
  Place place;
  std::uint64_t head = 0;
  std::int64_t seen = 0;  // when it last was there, in seconds since 1970
  // How it was when it was closed: as long as it stays so, there is nothing new in it.
  std::uint64_t closed_size = 0;
  std::int64_t closed_modified = -1;
  std::string path;
};

// Nothing: none were kept yet. corrupt_data names the line.
Result<std::optional<std::vector<KeptPosition>>> load_positions(Files& files,
                                                                const std::filesystem::path& path);
// They are on the disk when it answers ok. Makes the folder.
Result<> save_positions(Files& files, const std::filesystem::path& path,
                        const std::vector<KeptPosition>& positions);

}  // namespace quern::inputs
