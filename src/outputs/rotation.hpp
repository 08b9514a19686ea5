// A file that is full makes room: F becomes F.1, F.1 becomes F.2. Where records choose F, it is
// F~1: no tag and no field makes a "~" (path_part), so none has the name of another's rotated file.
#pragma once

#include "base/bytes.hpp"
#include "base/files.hpp"
#include "base/result.hpp"

#include <chrono>

namespace quern::outputs {

struct Rotation {
  Bytes size{};                      // 0: by no size
  std::chrono::milliseconds age{0};  // 0: by no age
  unsigned keep = 5;                 // F.1 to F.5; older ones are removed
  bool gzip = false;                 // F.1.gz
  char mark = '.';                   // before the number
};

// Nobody writes to `path` while it goes on. After an error what was there is there, perhaps under
// its next name already.
Result<> rotate(Files& files, const std::filesystem::path& path, const Rotation& rotation);

}  // namespace quern::outputs
