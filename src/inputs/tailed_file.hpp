// One file that tail follows: where it reads on, and the lines it finds there.
#pragma once

#include "base/clock.hpp"

#include "inputs/tail_source.hpp"
#include "logs/batch.hpp"

#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace quern::inputs {

// A place in a file, recognized by what stands before it: the same offset in a file that was
// written anew is another place.
struct Place {
  std::uint64_t offset = 0;
  bool skipping = false;         // within a line whose beginning was given, and cut
  std::uint32_t print_size = 0;  // so many bytes before the offset have this fingerprint
  std::uint64_t print = 0;
  std::uint32_t writing = 0;  // grows each time that the file was written anew

  bool is(const Place& other) const {
    return offset == other.offset && writing == other.writing && skipping == other.skipping;
  }
};

// Everything that is told apart by its first KiB.
inline constexpr std::size_t kHeadSize = 1024;
inline constexpr std::size_t kPrintSize = 256;

// FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/): tells apart what came about by chance.
std::uint64_t fingerprint(ByteView bytes);

struct LineOptions {
  std::string key = "log";
  std::string path_key;    // empty: the record has none
  std::string offset_key;  // likewise
  Bytes max_line{};
  bool skip_empty = false;
};

// Since the input runs.
struct LineCounts {
  std::uint64_t cut_lines = 0;
  std::uint64_t cut_bytes = 0;
  std::uint64_t truncated = 0;  // files that were written anew
};

// Of one thread.
class TailedFile {
 public:
  TailedFile(FileId id, std::filesystem::path path, std::string tag, Place begin)
      : id_(id),
        path_(std::move(path)),
        tag_(std::move(tag)),
        read_(begin),
        given_(begin),
        durable_(begin) {}

  enum class Progress : std::uint8_t { nothing, some };
  // Adds lines from where it stands to `batch`, until that is full or there are no more for now.
  // `scratch` is room for reading, shared by all files; it grows to a line's longest. What was
  // written anew is read from its beginning.
  Result<Progress> read(Buffer& scratch, logs::Batch& batch, logs::EventTime now,
                        const LineOptions& options, LineCounts& counts);
  // The last line, which has no end.
  Result<Progress> read_rest(Buffer& scratch, logs::Batch& batch, logs::EventTime now,
                             const LineOptions& options, LineCounts& counts);

  // What it held before it was written anew, once: enough to know a copy of that again.
  struct Former {
    std::uint64_t head = 0;
    Place kept;
  };
  std::optional<Former> take_former() { return std::exchange(former_, std::nullopt); }

  // All that was read was taken, by now.
  void taken(Clock::Time now);
  // All that was taken is on the disk; what was taken before this time is.
  void kept();
  void kept_before(Clock::Time settled);
  // What was read after the last taken(), or after what is kept, is read again.
  void back_to_taken() { read_ = given_; }
  void back_to_kept();

  const FileId& id() const { return id_; }
  const std::filesystem::path& path() const { return path_; }
  const std::string& tag() const { return tag_; }
  const Place& read_place() const { return read_; }
  const Place& kept_place() const { return durable_; }
  bool all_kept() const { return durable_.is(read_); }
  // Of its first KiB; 0 before there is so much.
  std::uint64_t head() const { return head_; }
  void set_head(std::uint64_t head) { head_ = head; }

  bool is_open() const { return source_ != nullptr; }
  void open(std::unique_ptr<TailSource> source) { source_ = std::move(source); }
  void close() { source_.reset(); }
  const TailSource* source() const { return source_.get(); }

 private:
  enum class Last : std::uint8_t { waits_for_its_end, is_whole };
  Result<Progress> read_lines(Buffer& scratch, logs::Batch& batch, logs::EventTime now,
                              const LineOptions& options, LineCounts& counts, Last last);
  struct Taking;
  std::size_t take_lines(std::string_view text, Taking& taking);
  void give(std::string_view line, std::uint64_t offset, Taking& taking);
  void begin_anew();
  Result<> learn_head();
  ByteView before_line(const LineOptions& options, std::uint64_t offset);

  FileId id_;
  std::filesystem::path path_;  // under which it was found
  std::string tag_;
  std::unique_ptr<TailSource> source_;
  std::uint64_t head_ = 0;
  std::optional<Former> former_;
  Buffer before_;  // of a record, up to its line
  std::size_t before_fixed_ = 0;
  Place read_;
  Place given_;
  struct Note {
    Clock::Time taken;
    Place place;  // all before it was taken by then
  };
  std::deque<Note> notes_;  // behind durable_, in order; the last is given_
  Place durable_;
};

}  // namespace quern::inputs
