// For tests: a disk with moods.
#pragma once

#include "base/files.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace quern::insight {

// Counts what is read, and has room for names alone while it is full.
class RealisticFiles final : public Files {
 public:
  explicit RealisticFiles(Files& files) : files_(files) {}
  bool full = false;
  bool fails_to_read = false;
  std::function<void()> before_read;
  std::function<void()> locked;  // called once, while the lock that was given is held
  std::uint64_t bytes_read = 0;

  Result<Buffer> read(const Path& path, Bytes limit) override {
    return counted(files_.read(path, limit));
  }
  Result<Buffer> read_part(const Path& path, Bytes offset, Bytes size) override {
    if (before_read) before_read();
    if (fails_to_read) return fail(ErrorKind::internal, "the disk does not answer");
    return counted(files_.read_part(path, offset, size));
  }
  Result<> write(const Path& path, ByteView bytes) override { return files_.write(path, bytes); }
  Result<std::unique_ptr<FileWriter>> append(const Path& path) override {
    return std::unique_ptr<FileWriter>(std::make_unique<Writer>(*this, TRY(files_.append(path))));
  }
  Result<FileInfo> stat(const Path& path) override { return files_.stat(path); }
  Result<std::vector<std::string>> list(const Path& folder) override { return files_.list(folder); }
  Result<> rename(const Path& from, const Path& to) override { return files_.rename(from, to); }
  Result<> remove(const Path& path) override { return files_.remove(path); }
  Result<> truncate(const Path& path, Bytes size) override { return files_.truncate(path, size); }
  Result<> make_directories(const Path& path, std::uint32_t mode) override {
    return files_.make_directories(path, mode);
  }
  Result<Bytes> free_space(const Path& path) override { return files_.free_space(path); }
  Result<std::unique_ptr<FileLock>> try_lock(const Path& path) override {
    auto lock = files_.try_lock(path);
    if (lock.ok() && locked) std::exchange(locked, nullptr)();
    return lock;
  }

 private:
  class Writer final : public FileWriter {
   public:
    Writer(RealisticFiles& all, std::unique_ptr<FileWriter> writer)
        : all_(all), writer_(std::move(writer)) {}
    Result<> write(ByteView bytes) override {
      if (!all_.full) return writer_->write(bytes);
      TRY(writer_->write(bytes.first(bytes.size() / 2)));
      return fail(ErrorKind::resource_exhausted, "full");
    }
    Result<> sync() override { return writer_->sync(); }

   private:
    RealisticFiles& all_;
    std::unique_ptr<FileWriter> writer_;
  };
  Result<Buffer> counted(Result<Buffer> read) {
    if (read.ok()) bytes_read += read->size();
    return read;
  }
  Files& files_;
};

}  // namespace quern::insight
