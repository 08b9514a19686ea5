#include "base/files.hpp"

#include "base/unique_fd.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <system_error>

namespace quern {
namespace {

using Path = Files::Path;

ErrorKind kind_of(int code) {
  switch (code) {
    case ENOENT:
    case ENOTDIR: return ErrorKind::not_found;
    case EEXIST:
    case ENOTEMPTY: return ErrorKind::already_exists;
    case EACCES:
    case EPERM:
    case EROFS: return ErrorKind::permission_denied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE: return ErrorKind::resource_exhausted;
    case EISDIR:
    case ENAMETOOLONG:
    case ELOOP: return ErrorKind::invalid_argument;
    default: return ErrorKind::internal;
  }
}

// Call it right after the system call: errno is still that call's.
Failure failed(std::string_view doing, const Path& path, int code = errno) {
  return fail(kind_of(code), std::string(doing) + " " + path.string() + ": " +
                                 std::generic_category().message(code));
}

Result<UniqueFd> open_fd(const Path& path, int flags, std::string_view doing) {
  constexpr ::mode_t kMode = 0644;
  for (;;) {
    UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, kMode));
    if (fd) return fd;
    if (errno != EINTR) return failed(doing, path);
  }
}

Result<> write_all(int fd, ByteView bytes, const Path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed("cannot write", path);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Result<> sync_fd(int fd, const Path& path) {
  if (::fsync(fd) != 0) return failed("cannot sync", path);
  return {};
}

Path parent_of(const Path& path) {
  const Path parent = path.parent_path();
  return parent.empty() ? Path(".") : parent;
}

// Makes a rename or a new name in the directory durable.
Result<> sync_parent(const Path& path) {
  const Path parent = parent_of(path);
  const UniqueFd fd = TRY(open_fd(parent, O_RDONLY | O_DIRECTORY, "cannot open"));
  return sync_fd(fd.get(), parent);
}

class RealWriter final : public FileWriter {
 public:
  RealWriter(UniqueFd fd, Path path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Result<> write(ByteView bytes) override { return write_all(fd_.get(), bytes, path_); }
  Result<> sync() override { return sync_fd(fd_.get(), path_); }

 private:
  UniqueFd fd_;
  Path path_;
};

class RealLock final : public FileLock {
 public:
  explicit RealLock(UniqueFd fd) : fd_(std::move(fd)) {}

 private:
  UniqueFd fd_;  // closing it frees the lock
};

}  // namespace

Result<Buffer> RealFiles::read_part(const Path& path, Bytes offset, Bytes size) {
  const UniqueFd fd = TRY(open_fd(path, O_RDONLY, "cannot open"));
  Buffer content(size.count);
  std::size_t filled = 0;
  while (filled < content.size()) {
    const ssize_t got = ::pread(fd.get(), content.data() + filled, content.size() - filled,
                                static_cast<off_t>(offset.count + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("cannot read", path);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  content.resize(filled);
  return content;
}

Result<Buffer> RealFiles::read(const Path& path, Bytes limit) {
  const UniqueFd fd = TRY(open_fd(path, O_RDONLY, "cannot open"));
  Buffer content;
  constexpr std::size_t kStep = std::size_t{1} << 20U;
  for (;;) {
    const std::size_t old = content.size();
    content.resize(old + kStep);
    const ssize_t got = ::read(fd.get(), content.data() + old, kStep);
    if (got < 0 && errno == EINTR) {
      content.resize(old);
      continue;
    }
    if (got < 0) return failed("cannot read", path);
    content.resize(old + static_cast<std::size_t>(got));
    if (content.size() > limit.count) {
      return fail(ErrorKind::resource_exhausted,
                  path.string() + " is larger than the " + to_string(limit) + " allowed here");
    }
    if (got == 0) return content;
  }
}

Result<> RealFiles::write(const Path& path, ByteView bytes) {
  // Unique among the threads and processes that write here; a leftover of a crash is harmless.
  static std::atomic<unsigned> count{0};
  Path temporary = path;
  temporary += "." + std::to_string(::getpid()) + "-" + std::to_string(count++) + ".tmp";
  auto written = [&]() -> Result<> {
    const UniqueFd fd = TRY(open_fd(temporary, O_WRONLY | O_CREAT | O_EXCL, "cannot create"));
    TRY(write_all(fd.get(), bytes, path));
    TRY(sync_fd(fd.get(), path));
    if (::rename(temporary.c_str(), path.c_str()) != 0) return failed("cannot write", path);
    return {};
  }();
  if (!written) {
    ::unlink(temporary.c_str());
    return written;
  }
  return sync_parent(path);
}

Result<std::unique_ptr<FileWriter>> RealFiles::append(const Path& path) {
  UniqueFd fd = TRY(open_fd(path, O_WRONLY | O_CREAT | O_APPEND, "cannot open"));
  return std::unique_ptr<FileWriter>(std::make_unique<RealWriter>(std::move(fd), path));
}

Result<FileInfo> RealFiles::stat(const Path& path) {
  struct ::stat info{};
  if (::stat(path.c_str(), &info) != 0) return failed("cannot look at", path);
  constexpr std::uint32_t kPermissions = 07777;
  return FileInfo{.size = {static_cast<std::uint64_t>(info.st_size)},
                  .directory = S_ISDIR(info.st_mode),
                  .modified = info.st_mtime,
                  .mode = info.st_mode & kPermissions,
                  .mine = info.st_uid == ::geteuid()};
}

Result<std::vector<std::string>> RealFiles::list(const Path& directory) {
  std::error_code problem;
  std::vector<std::string> names;
  std::filesystem::directory_iterator at(directory, problem);
  for (; !problem && at != std::filesystem::directory_iterator(); at.increment(problem)) {
    names.push_back(at->path().filename().string());
  }
  if (problem) return failed("cannot list", directory, problem.value());
  std::sort(names.begin(), names.end());
  return names;
}

Result<> RealFiles::rename(const Path& from, const Path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    const int code = errno;
    return failed("cannot rename " + from.string() + " to", to, code);
  }
  return sync_parent(to);
}

Result<> RealFiles::remove(const Path& path) {
  if (::remove(path.c_str()) != 0) return failed("cannot remove", path);
  return {};
}

Result<> RealFiles::truncate(const Path& path, Bytes size) {
  if (::truncate(path.c_str(), static_cast<::off_t>(size.count)) != 0) {
    return failed("cannot shorten", path);
  }
  return {};
}

Result<> RealFiles::make_directories(const Path& path, std::uint32_t mode) {
  const Result<FileInfo> there = stat(path);
  if (there.ok() && there->directory) return {};
  if (there.ok()) return fail(ErrorKind::already_exists, path.string() + " is not a directory");
  const Path parent = parent_of(path);
  if (parent != path && parent != ".") TRY(make_directories(parent, mode));
  // Somebody else may have made it in between.
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return failed("cannot create", path);
  return {};
}

Result<Bytes> RealFiles::free_space(const Path& path) {
  Path there = std::filesystem::absolute(path);
  while (!exists(there) && there.has_relative_path()) there = there.parent_path();
  struct ::statvfs info{};
  if (::statvfs(there.c_str(), &info) != 0) return failed("cannot measure", there);
  return Bytes{static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize};
}

Result<std::unique_ptr<FileLock>> RealFiles::try_lock(const Path& path) {
  UniqueFd fd = TRY(open_fd(path, O_RDWR | O_CREAT, "cannot open"));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return fail(ErrorKind::unavailable, path.string() + " is locked");
    return failed("cannot lock", path);
  }
  return std::unique_ptr<FileLock>(std::make_unique<RealLock>(std::move(fd)));
}

}  // namespace quern
