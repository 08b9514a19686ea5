// Records on their way: one arena, in the form in which Forward's PackedForward carries them and a
// branch keeps them (docs/formats/batch.md). What is not changed is never read apart.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quern::logs {

// Since 1970, as Forward's EventTime: until 2106.
struct EventTime {
  std::uint32_t seconds = 0;
  std::uint32_t nanoseconds = 0;  // below 1e9
  auto operator<=>(const EventTime&) const = default;
};

// A record in a batch. The views live as long as the batch is not changed.
struct Entry {
  std::string_view tag;
  EventTime time;
  ByteView metadata;  // a msgpack map
  ByteView record;    // a msgpack map
};

inline constexpr Bytes kLargestRecord = 1_MiB;
inline constexpr std::size_t kLongestTag = 256;

// Of one thread; moved from one to the next.
class Batch {
 public:
  // Records of one tag that follow each other: entries as [[time, metadata], record].
  struct Run {
    std::string tag;
    Buffer entries;
    std::uint32_t count = 0;
  };

  // `record` and `metadata` are whole msgpack maps; the caller saw to it. No metadata: an empty
  // map.
  void add(std::string_view tag, EventTime time, ByteView record, ByteView metadata = {});
  void add(const Entry& entry) { add(entry.tag, entry.time, entry.record, entry.metadata); }
  void append(Batch other);
  // A record that ends in a line: `before` is all of the map in front of that last value, its key
  // included. For inputs that give millions of lines: written in one go.
  void add_line(std::string_view tag, EventTime time, ByteView before, std::string_view line);

  std::size_t size() const { return places_.size(); }
  bool empty() const { return places_.empty(); }
  Bytes bytes() const { return {bytes_}; }
  // Enough for one go: inputs hand a batch on once it is. It may well become larger behind filters.
  bool full() const { return size() >= 4096 || bytes_ >= (1U << 20U); }
  const std::vector<Run>& runs() const { return runs_; }
  Entry operator[](std::size_t at) const;

  class Iterator {
   public:
    using value_type = Entry;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    Iterator(const Batch* batch, std::size_t at) : batch_(batch), at_(at) {}
    Entry operator*() const { return (*batch_)[at_]; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++at_;
      return before;
    }
    bool operator==(const Iterator&) const = default;

   private:
    const Batch* batch_ = nullptr;
    std::size_t at_ = 0;
  };
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, size()}; }

  // As a branch keeps it: no frame is longer than `largest`, which is at least 2 MiB.
  std::vector<Buffer> frames(Bytes largest) const;
  // corrupt_data: what is no frame of a batch.
  static Result<Batch> parse(ByteView frame);

  // One entry of a sender: [time, record] or [[time, metadata], record], time as an integer or
  // EventTime. corrupt_data: it is none; resource_exhausted: the record is above kLargestRecord.
  Result<> add_packed(std::string_view tag, ByteView entry);
  // Such entries one after the other.
  Result<> add_all_packed(std::string_view tag, ByteView entries, Bytes largest = kLargestRecord);

 private:
  struct Place {
    std::uint32_t run = 0;
    std::uint32_t entry = 0;  // offsets in the run's entries
    std::uint32_t record = 0;
    std::uint32_t end = 0;
  };
  Run& run_for(std::string_view tag);
  void note_entry(std::size_t begin, std::size_t record);

  std::vector<Run> runs_;
  std::vector<Place> places_;
  std::uint64_t bytes_ = 0;
};

}  // namespace quern::logs
