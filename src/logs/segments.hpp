// Frames of bytes in the order in which they came, in files that only grow
// (docs/formats/segments.md).
#pragma once

#include "base/files.hpp"
#include "base/guarded.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>

namespace quern::logs {

struct SegmentOptions {
  Bytes limit = 1_GiB;  // of all files together
  // A file begins anew beyond, or beyond a quarter of the limit; what is read is freed a file at a
  // time.
  Bytes segment = 8_MiB;
};

inline constexpr Bytes kLargestFrame = 4_MiB;

struct SegmentFigures {
  Bytes held{};                // files that are there
  std::uint64_t appended = 0;  // frames, since it was opened
  std::uint64_t read = 0;
  // Syncs that failed: what was appended before, and not synced, is perhaps not on the disk.
  // Whoever appends for several reads it before each of them appends and after sync(): where it has
  // grown between, that one's frames may be lost, whoever of them sync() told.
  std::uint64_t losses = 0;
  // Bytes that made no whole frame: the end that a crash tore off, or a damaged file. Never
  // silently.
  Bytes torn{};
};

class Segments {
 public:
  using Path = std::filesystem::path;

  // Makes the folder, or goes on where it ends: a torn end is cut off. What was committed before is
  // not read again.
  static Result<std::unique_ptr<Segments>> open(Files& files, const Path& folder,
                                                SegmentOptions options = {});
  ~Segments();

  // Of one thread. A frame has 1 byte to kLargestFrame. When it fails, nothing of the frame is ever
  // read. All frames appended before a sync() that answers ok are on the disk, but for those of
  // which an earlier one has said that they may not be; it says so once, and
  // SegmentFigures::losses to everybody.
  Result<> append(ByteView frame);
  Result<> sync();

  // Of one thread, which may be another. The oldest frame that was not read; nothing when all are.
  // After a restart what was read and not committed comes again.
  Result<std::optional<Buffer>> next();
  // What next() gave so far need not be kept.
  Result<> commit();

  // Of any thread.
  SegmentFigures figures() const;

 private:
  struct Place {
    std::uint64_t segment = 1;
    std::uint64_t offset = 0;
    auto operator<=>(const Place&) const = default;
  };
  struct Ledger {
    std::map<std::uint64_t, std::uint64_t> sizes;  // of whole frames, by segment
    SegmentFigures figures;
  };

  Segments(Files& files, Path folder, SegmentOptions options);
  Result<> recover();
  Result<> read_cursor();
  Result<> cut_torn_end(std::uint64_t segment);
  Result<> begin_segment();
  Path path_of(std::uint64_t segment) const;
  std::uint64_t size_of(std::uint64_t segment) const;
  Result<bool> go_to_next_segment();
  void give_up_file();
  Result<> sync_file();
  void drop_ahead();
  Result<> free_read();

  Files& files_;
  const Path folder_;
  SegmentOptions options_;
  std::unique_ptr<FileLock> lock_;
  Guarded<Ledger> ledger_;

  // Of the thread that appends.
  std::uint64_t writing_ = 0;  // 0: no segment is begun
  std::unique_ptr<FileWriter> writer_;
  bool torn_ = false;          // half a frame may lie behind the whole ones of writing_
  bool unsynced_ = false;      // frames were appended since the last sync
  std::optional<Error> lost_;  // frames were appended and are perhaps not on the disk; sync() tells

  // Of the thread that reads.
  Place reading_;
  Buffer ahead_;  // bytes from reading_ on, behind the first ahead_at_
  std::size_t ahead_at_ = 0;
  Place committed_;
};

}  // namespace quern::logs
