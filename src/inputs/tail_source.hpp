// What tail reads from: the bytes of a log file, or those packed in a .gz beside it.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <compare>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>

namespace quern::inputs {

// Which file it is, whatever its name.
struct FileId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  auto operator<=>(const FileId&) const = default;
};

struct FileState {
  FileId id;
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;  // since 1970
};

// Nothing: there is no such file, or it is no regular one.
std::optional<FileState> look_at(const std::filesystem::path& path);

// Of one thread. Holds the file open, whatever happens to its name.
class TailSource {
 public:
  virtual ~TailSource() = default;
  // As many bytes from `offset` on as there are now, at most all of `into`. Gives the same again
  // when asked again, unless somebody wrote over them. corrupt_data: it is not what it is called.
  virtual Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into) = 0;
  // It ends where it ends: nothing will follow.
  virtual bool complete() const = 0;
  virtual FileState state() const = 0;
};

// not_found, permission_denied, unsupported (no regular file), else what the system says.
Result<std::unique_ptr<TailSource>> open_plain(const std::filesystem::path& path);
// Offsets are those of what is packed. Read from the beginning to the end; going back costs
// unpacking it again.
Result<std::unique_ptr<TailSource>> open_gzip(const std::filesystem::path& path);

}  // namespace quern::inputs
