#include "inputs/tailed_file.hpp"

#include "logs/msgpack.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace quern::inputs {
namespace {

// Enough for the system call to cost nothing beside the copying.
constexpr std::size_t kChunk = std::size_t{256} << 10U;
// Around a line in its record: header of the string, and of the map.
constexpr std::size_t kAroundLine = 16;
// Notes of what was taken are so far apart, and so many: the last one moves on instead.
constexpr std::chrono::milliseconds kBetweenNotes(100);
constexpr std::size_t kMostNotes = 32;

}  // namespace

std::uint64_t fingerprint(ByteView bytes) {
  std::uint64_t print = 0xcbf29ce484222325U;
  for (const std::byte byte : bytes) {
    print ^= std::to_integer<std::uint64_t>(byte);
    print *= 0x100000001b3U;
  }
  return print;
}

void TailedFile::taken(Clock::Time now) {
  if (given_.is(read_)) return;
  given_ = read_;
  const bool soon = notes_.size() >= 2 && now - notes_[notes_.size() - 2].taken < kBetweenNotes;
  if (soon || notes_.size() == kMostNotes) notes_.pop_back();
  notes_.push_back({.taken = now, .place = given_});
}

void TailedFile::kept() {
  durable_ = given_;
  notes_.clear();
}

void TailedFile::kept_before(Clock::Time settled) {
  while (!notes_.empty() && notes_.front().taken < settled) {
    durable_ = notes_.front().place;
    notes_.pop_front();
  }
}

void TailedFile::back_to_kept() {
  read_ = given_ = durable_;
  notes_.clear();
}

struct TailedFile::Taking {
  logs::Batch& batch;
  logs::EventTime now;
  const LineOptions& options;
  LineCounts& counts;
  std::size_t longest;
  Last last;
};

Result<TailedFile::Progress> TailedFile::read(Buffer& scratch, logs::Batch& batch,
                                              logs::EventTime now, const LineOptions& options,
                                              LineCounts& counts) {
  return read_lines(scratch, batch, now, options, counts, Last::waits_for_its_end);
}

Result<TailedFile::Progress> TailedFile::read_rest(Buffer& scratch, logs::Batch& batch,
                                                   logs::EventTime now, const LineOptions& options,
                                                   LineCounts& counts) {
  return read_lines(scratch, batch, now, options, counts, Last::is_whole);
}

// What is read begins a little before the place, so that one look tells whether it goes on there.
Result<TailedFile::Progress> TailedFile::read_lines(Buffer& scratch, logs::Batch& batch,
                                                    logs::EventTime now, const LineOptions& options,
                                                    LineCounts& counts, Last last) {
  const std::size_t around = before_line(options, read_.offset).size() + kAroundLine;
  const std::size_t longest = static_cast<std::size_t>(
      std::min(options.max_line.count, logs::kLargestRecord.count - around));
  Taking taking{batch, now, options, counts, longest, last};
  if (scratch.size() < kChunk) scratch.resize(kChunk);
  for (;;) {
    const std::size_t overlap = read_.print_size;
    const std::size_t got = TRY(source_->read(read_.offset - overlap, scratch));
    if (overlap > 0 &&
        (got < overlap || fingerprint(ByteView(scratch).first(overlap)) != read_.print)) {
      ++counts.truncated;
      begin_anew();
      continue;
    }
    const ByteView fresh = ByteView(scratch).first(got).subspan(overlap);
    const std::size_t used = take_lines(as_text(fresh), taking);
    if (used > 0) {
      const std::size_t end = overlap + used;
      read_.offset += used;
      read_.print_size = static_cast<std::uint32_t>(std::min<std::size_t>(end, kPrintSize));
      read_.print =
          fingerprint(ByteView(scratch).subspan(end - read_.print_size, read_.print_size));
      if (head_ == 0 && read_.offset >= kHeadSize) TRY(learn_head());
      return Progress::some;
    }
    const bool line_is_longer = got == scratch.size();
    if (!line_is_longer) return Progress::nothing;
    scratch.resize(std::min(2 * scratch.size(), longest + kPrintSize + kChunk));
  }
}

void TailedFile::begin_anew() {
  if (head_ != 0 && durable_.writing == read_.writing)
    former_ = Former{.head = head_, .kept = durable_};
  read_ = {.writing = read_.writing + 1};
  head_ = 0;
}

Result<> TailedFile::learn_head() {
  std::array<std::byte, kHeadSize> head{};
  const std::size_t got = TRY(source_->read(0, head));
  if (got == kHeadSize) head_ = fingerprint(head);
  return {};
}

// How many bytes of `text` are done with.
std::size_t TailedFile::take_lines(std::string_view text, Taking& taking) {
  const char* const begin = text.data();
  std::size_t at = 0;
  while (at < text.size() && !taking.batch.full()) {
    const auto* const found =
        static_cast<const char*>(std::memchr(begin + at, '\n', text.size() - at));
    const bool ended = found != nullptr;
    const std::size_t end = ended ? static_cast<std::size_t>(found - begin) : text.size();
    if (read_.skipping) {
      taking.counts.cut_bytes += end - at;
      read_.skipping = !ended;
    } else if (ended || end - at > taking.longest || taking.last == Last::is_whole) {
      // Counted from the line's beginning: the place moves on only after all of them.
      give(text.substr(at, end - at), read_.offset + at, taking);
      read_.skipping = !ended && end - at > taking.longest;
    } else {
      break;
    }
    at = ended ? end + 1 : end;
  }
  return at;
}

void TailedFile::give(std::string_view line, std::uint64_t offset, Taking& taking) {
  if (line.size() > taking.longest) {
    ++taking.counts.cut_lines;
    taking.counts.cut_bytes += line.size() - taking.longest;
    line = line.substr(0, taking.longest);
  }
  if (line.ends_with('\r')) line.remove_suffix(1);
  // A writer that goes on at its old place in a truncated file leaves a hole before the line.
  while (line.starts_with('\0')) line.remove_prefix(1);
  if (line.empty() && taking.options.skip_empty) return;
  const ByteView before = before_line(taking.options, offset);
  taking.batch.add_line(tag_, taking.now, before, line);
}

// {path_key: path, offset_key: offset, key:
ByteView TailedFile::before_line(const LineOptions& options, std::uint64_t offset) {
  if (!before_.empty() && options.offset_key.empty()) return before_;
  logs::msgpack::Writer writer(before_);
  if (before_.empty()) {
    writer.map(1 + (options.path_key.empty() ? 0 : 1) + (options.offset_key.empty() ? 0 : 1));
    if (!options.path_key.empty()) {
      writer.string(options.path_key);
      writer.string(path_.native());
    }
    before_fixed_ = before_.size();
  }
  before_.resize(before_fixed_);
  if (!options.offset_key.empty()) {
    writer.string(options.offset_key);
    writer.natural(offset);
  }
  writer.string(options.key);
  return before_;
}

}  // namespace quern::inputs
