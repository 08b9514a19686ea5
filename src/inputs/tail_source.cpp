#include "inputs/tail_source.hpp"

#include "base/unique_fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <system_error>

namespace quern::inputs {
namespace {

constexpr int kGzipOnly = 16 + MAX_WBITS;
constexpr std::size_t kPiece = std::size_t{256} << 10U;

FileState state_of(const struct stat& info) {
  return {.id = {.device = info.st_dev, .inode = info.st_ino},
          .size = static_cast<std::uint64_t>(info.st_size),
          .modified_ns = std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec};
}

Failure failed(const std::filesystem::path& path, int problem) {
  const ErrorKind kind = problem == ENOENT || problem == ENOTDIR  ? ErrorKind::not_found
                         : problem == EACCES || problem == EPERM  ? ErrorKind::permission_denied
                         : problem == EMFILE || problem == ENFILE ? ErrorKind::resource_exhausted
                                                                  : ErrorKind::internal;
  return fail(kind,
              "cannot read " + path.string() + ": " + std::generic_category().message(problem));
}

class PlainSource : public TailSource {
 public:
  PlainSource(UniqueFd fd, std::filesystem::path path)
      : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into) override {
    for (;;) {
      const ssize_t got = ::pread(fd_.get(), into.data(), into.size(), static_cast<off_t>(offset));
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) return failed(path_, errno);
    }
  }
  bool complete() const override { return false; }
  FileState state() const override {
    struct stat info{};
    ::fstat(fd_.get(), &info);
    return state_of(info);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  UniqueFd fd_;
  std::filesystem::path path_;
};

struct EndInflate {
  void operator()(z_stream* stream) const noexcept {
    inflateEnd(stream);
    delete stream;
  }
};

// Unpacks forward, and keeps what was unpacked from the last offset asked for on.
class GzipSource final : public TailSource {
 public:
  explicit GzipSource(std::unique_ptr<PlainSource> packed) : packed_(std::move(packed)) {}

  Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into) override {
    if (!stream_ || offset < begin_) TRY(restart());
    forget_before(offset);
    while (!complete_ && end() < offset + into.size()) {
      if (!TRY(unpack_some())) break;
      forget_before(offset);
    }
    if (end() <= offset) return std::size_t{0};
    const std::size_t skip = static_cast<std::size_t>(offset - begin_);
    const std::size_t size = std::min(into.size(), held_.size() - skip);
    std::copy_n(held_.begin() + static_cast<std::ptrdiff_t>(skip), size, into.begin());
    return size;
  }
  bool complete() const override { return complete_; }
  FileState state() const override { return packed_->state(); }

 private:
  std::uint64_t end() const { return begin_ + held_.size(); }

  Result<> restart() {
    stream_.reset(new z_stream{});
    if (inflateInit2(stream_.get(), kGzipOnly) != Z_OK)
      return fail(ErrorKind::resource_exhausted, "no memory to unpack");
    held_.clear();
    begin_ = packed_at_ = 0;
    complete_ = member_ended_ = false;
    return {};
  }

  void forget_before(std::uint64_t offset) {
    if (offset <= begin_) return;
    const std::size_t size =
        static_cast<std::size_t>(std::min<std::uint64_t>(offset - begin_, held_.size()));
    held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(size));
    begin_ += size;
  }

  // False: there is no more of the packed file yet.
  Result<bool> unpack_some() {
    const std::size_t got = TRY(packed_->read(packed_at_, input_));
    if (got == 0 && member_ended_) {
      complete_ = true;
      return false;
    }
    stream_->next_in = reinterpret_cast<Bytef*>(input_.data());
    stream_->avail_in = static_cast<uInt>(got);
    const std::size_t before = held_.size();
    held_.resize(before + kPiece);
    stream_->next_out = reinterpret_cast<Bytef*>(held_.data() + before);
    stream_->avail_out = static_cast<uInt>(kPiece);
    if (member_ended_) inflateReset(stream_.get());
    const int result = inflate(stream_.get(), Z_NO_FLUSH);
    held_.resize(before + kPiece - stream_->avail_out);
    member_ended_ = result == Z_STREAM_END;
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      stream_.reset();
      return fail(ErrorKind::corrupt_data, packed_->path().string() + " does not unpack");
    }
    packed_at_ += got - stream_->avail_in;
    return got > 0 || held_.size() > before;
  }

  std::unique_ptr<PlainSource> packed_;
  std::unique_ptr<z_stream, EndInflate> stream_;
  std::array<std::byte, 16 * 1024> input_{};
  std::uint64_t packed_at_ = 0;
  Buffer held_;
  std::uint64_t begin_ = 0;  // the offset of held_'s first byte
  bool member_ended_ = false;
  bool complete_ = false;
};

Result<std::unique_ptr<PlainSource>> open_file(const std::filesystem::path& path) {
  // Without O_NONBLOCK a pipe with that name would hold us up until somebody writes.
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return failed(path, errno);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return failed(path, errno);
  if (!S_ISREG(info.st_mode))
    return fail(ErrorKind::unsupported, path.string() + " is no regular file");
  return std::make_unique<PlainSource>(std::move(fd), path);
}

}  // namespace

std::optional<FileState> look_at(const std::filesystem::path& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return state_of(info);
}

Result<std::unique_ptr<TailSource>> open_plain(const std::filesystem::path& path) {
  return TRY(open_file(path));
}

Result<std::unique_ptr<TailSource>> open_gzip(const std::filesystem::path& path) {
  return std::make_unique<GzipSource>(TRY(open_file(path)));
}

}  // namespace quern::inputs
