// What the tests of inputs share: a sink that remembers, a folder that goes away, lines of records.
#pragma once

#include "base/files.hpp"

#include "logs/logs.hpp"
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace quern::inputs::test {

class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "inputs-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code ec;
    std::filesystem::remove_all(path_, ec);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline void append(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::app | std::ios::binary) << text;
}

inline bool eventually(const std::function<bool()>& done) {
  for (int i = 0; i < 2000; ++i) {
    if (done()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

inline Buffer gzip(ByteView bytes) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
  Buffer out(deflateBound(&stream, bytes.size()));
  Buffer in(bytes.begin(), bytes.end());
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

struct Got {
  std::string tag;
  logs::EventTime time;
  std::string metadata;  // JSON
  std::string record;    // JSON
};

// Takes all, unless told otherwise. What it took counts as kept only after sync(), as a crash of
// the real one would have it.
class MemorySink : public logs::Sink {
 public:
  Result<> accept(logs::Batch batch, const std::stop_token& stop) override {
    if (stop.stop_requested()) return fail(ErrorKind::cancelled, "the end");
    if (on_accept) TRY(on_accept());
    const std::lock_guard held(mutex_);
    for (const logs::Entry& entry : batch) {
      Got got{.tag = std::string(entry.tag), .time = entry.time, .metadata = {}, .record = {}};
      (void)logs::msgpack::to_json(entry.metadata, got.metadata);
      if (!logs::msgpack::to_json(entry.record, got.record)) got.record = "no JSON";
      given_.push_back(std::move(got));
      lines_.emplace_back(logs::line_of(entry.record).value_or(""));
    }
    return {};
  }
  Result<> sync() override { return keep_first(SIZE_MAX); }
  // As sync(), of no more than so many lines.
  Result<> keep_first(std::size_t count) {
    if (on_sync) {
      if (auto result = on_sync(); !result.ok()) {
        const std::lock_guard held(mutex_);
        lines_.resize(kept_);  // lost
        given_.resize(kept_);
        return result;
      }
    }
    const std::lock_guard held(mutex_);
    kept_ = std::max(kept_, std::min(count, lines_.size()));
    ++syncs_;
    return {};
  }

  // A crash: what was not synced is gone.
  void crash() {
    const std::lock_guard held(mutex_);
    lines_.resize(kept_);
    given_.resize(kept_);
  }
  std::vector<std::string> lines() const {
    const std::lock_guard held(mutex_);
    return lines_;
  }
  std::vector<Got> given() const {
    const std::lock_guard held(mutex_);
    return given_;
  }
  std::size_t size() const {
    const std::lock_guard held(mutex_);
    return lines_.size();
  }
  std::size_t kept() const {
    const std::lock_guard held(mutex_);
    return kept_;
  }

  std::function<Result<>()> on_accept;
  std::function<Result<>()> on_sync;

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
  std::vector<Got> given_;
  std::size_t kept_ = 0;
  std::size_t syncs_ = 0;
};

}  // namespace quern::inputs::test
