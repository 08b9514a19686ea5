// The disk as a seam: real code gets RealFiles, tests a FakeFiles (fakes.hpp) that can fail on
// any write.
//
// Errors of all: not_found, permission_denied, resource_exhausted (disk full), else internal; the
// message names the path and the system's reason. Thread-safe; two writers of one path must agree
// among themselves (see lock()).
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

namespace quern {

struct FileInfo {
  Bytes size{};
  bool directory = false;
  std::int64_t modified = 0;  // seconds since 1970
  std::uint32_t mode = 0;     // permission bits, as in 0644
  bool mine = true;           // belongs to the user this process runs as
};

// A file being written. Dropping it closes it; what was not synced may be lost in a crash.
class FileWriter {
 public:
  virtual ~FileWriter() = default;
  virtual Result<> write(ByteView bytes) = 0;
  // Returns when the bytes are on the disk.
  virtual Result<> sync() = 0;
};

// Held for as long as it lives; the system frees it when the process dies.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

class Files {
 public:
  using Path = std::filesystem::path;

  virtual ~Files() = default;
  // resource_exhausted when the file is larger than `limit`.
  virtual Result<Buffer> read(const Path& path, Bytes limit) = 0;
  // Up to `size` bytes from `offset` on; fewer only at the file's end.
  virtual Result<Buffer> read_part(const Path& path, Bytes offset, Bytes size) = 0;
  // All of it or nothing, also when the machine loses power: temporary file, sync, rename, sync
  // of the directory. Mode 0644, less the umask.
  virtual Result<> write(const Path& path, ByteView bytes) = 0;
  // Continues a file, or begins it.
  virtual Result<std::unique_ptr<FileWriter>> append(const Path& path) = 0;
  virtual Result<FileInfo> stat(const Path& path) = 0;
  bool exists(const Path& path) { return stat(path).ok(); }
  // Names in a directory, sorted; without "." and "..".
  virtual Result<std::vector<std::string>> list(const Path& directory) = 0;
  // Atomic within one file system, and synced. Replaces a file.
  virtual Result<> rename(const Path& from, const Path& to) = 0;
  // A file or an empty directory.
  virtual Result<> remove(const Path& path) = 0;
  virtual Result<> truncate(const Path& path, Bytes size) = 0;
  // With its parents; fine when it is there. New ones get this mode.
  virtual Result<> make_directories(const Path& path, std::uint32_t mode = 0755) = 0;
  // What this user may still write where `path` (or its nearest parent that exists) lies.
  virtual Result<Bytes> free_space(const Path& path) = 0;
  // An exclusive lock among processes and threads on a lock file, made when missing. `unavailable`
  // when somebody else holds it.
  virtual Result<std::unique_ptr<FileLock>> try_lock(const Path& path) = 0;
};

class RealFiles final : public Files {
 public:
  Result<Buffer> read(const Path& path, Bytes limit) override;
  Result<Buffer> read_part(const Path& path, Bytes offset, Bytes size) override;
  Result<> write(const Path& path, ByteView bytes) override;
  Result<std::unique_ptr<FileWriter>> append(const Path& path) override;
  Result<FileInfo> stat(const Path& path) override;
  Result<std::vector<std::string>> list(const Path& directory) override;
  Result<> rename(const Path& from, const Path& to) override;
  Result<> remove(const Path& path) override;
  Result<> truncate(const Path& path, Bytes size) override;
  Result<> make_directories(const Path& path, std::uint32_t mode) override;
  Result<Bytes> free_space(const Path& path) override;
  Result<std::unique_ptr<FileLock>> try_lock(const Path& path) override;
};

}  // namespace quern
