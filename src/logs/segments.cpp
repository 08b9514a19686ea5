// A frame is its length and the CRC-32 of its bytes (four bytes each, little endian), then its
// bytes. A file is frames alone; the number of a file is its name. See docs/formats/segments.md.
#include "logs/segments.hpp"

#include "base/text.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>

namespace quern::logs {
namespace {

constexpr std::size_t kHead = 8;
constexpr Bytes kReadAhead = 1_MiB;
constexpr std::string_view kEnding = ".frames";
constexpr Bytes kLargestCursor = 1_KiB;

std::uint32_t read_number(ByteView bytes) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) number |= std::to_integer<std::uint32_t>(bytes[i]) << (8 * i);
  return number;
}

void put_number(Buffer& out, std::uint32_t number) {
  for (std::size_t i = 0; i < 4; ++i) out.push_back(static_cast<std::byte>(number >> (8 * i)));
}

std::uint32_t checksum(ByteView bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

// How many bytes the frame at the beginning has, with its head. Nothing when there are too few yet;
// corrupt_data when more would not help.
Result<std::optional<std::size_t>> whole_frame(ByteView bytes) {
  if (bytes.size() < kHead) return std::optional<std::size_t>();
  const std::uint32_t size = read_number(bytes);
  if (size == 0 || size > kLargestFrame.count) {
    return fail(ErrorKind::corrupt_data, "a frame's length is " + std::to_string(size));
  }
  if (bytes.size() < kHead + size) return std::optional<std::size_t>();
  if (checksum(bytes.subspan(kHead, size)) != read_number(bytes.subspan(4))) {
    return fail(ErrorKind::corrupt_data, "a frame's checksum is wrong");
  }
  return std::optional<std::size_t>(kHead + size);
}

std::optional<std::uint64_t> number_of(const std::string& name) {
  if (!name.ends_with(kEnding)) return std::nullopt;
  std::uint64_t number = 0;
  const char* const end = name.data() + name.size() - kEnding.size();
  const auto [read, error] = std::from_chars(name.data(), end, number);
  if (error != std::errc() || read != end || number == 0) return std::nullopt;
  return number;
}

}  // namespace

Segments::Segments(Files& files, Path folder, SegmentOptions options)
    : files_(files), folder_(std::move(folder)), options_(options) {
  // Several files within the limit: what is read can go while the newest is still written.
  options_.segment.count = std::min(options_.segment.count, options_.limit.count / 4);
}
Segments::~Segments() = default;

Result<std::unique_ptr<Segments>> Segments::open(Files& files, const Path& folder,
                                                 SegmentOptions options) {
  std::unique_ptr<Segments> segments(new Segments(files, folder, options));
  TRY(segments->recover().context("opening the buffer " + folder.string()));
  return segments;
}

Result<> Segments::recover() {
  TRY(files_.make_directories(folder_, 0700));
  lock_ = TRY(files_.try_lock(folder_ / "lock"));
  std::map<std::uint64_t, std::uint64_t> sizes;
  for (const std::string& name : TRY(files_.list(folder_))) {
    const std::optional<std::uint64_t> number = number_of(name);
    if (number) sizes[*number] = TRY(files_.stat(folder_ / name)).size.count;
  }
  const std::uint64_t last = sizes.empty() ? 0 : sizes.rbegin()->first;
  ledger_.with([&](Ledger& ledger) {
    for (const auto& [number, size] : sizes) ledger.figures.held.count += size;
    ledger.sizes = std::move(sizes);
  });
  if (last != 0) TRY(cut_torn_end(last));
  TRY(read_cursor());
  TRY(free_read());
  writing_ = last;
  return {};
}

Result<> Segments::cut_torn_end(std::uint64_t segment) {
  const std::uint64_t size = size_of(segment);
  std::uint64_t whole = 0;
  Buffer ahead;  // bytes from `whole` on, behind the first `at`
  std::size_t at = 0;
  while (whole < size) {
    const Result<std::optional<std::size_t>> frame = whole_frame(ByteView(ahead).subspan(at));
    if (!frame) break;
    if (*frame) {
      at += **frame;
      whole += **frame;
      continue;
    }
    ahead.erase(ahead.begin(), ahead.begin() + static_cast<std::ptrdiff_t>(at));
    at = 0;
    const Buffer part = TRY(files_.read_part(path_of(segment), {whole + ahead.size()}, kReadAhead));
    if (part.empty()) break;
    ahead.insert(ahead.end(), part.begin(), part.end());
  }
  if (whole == size) return {};
  TRY(files_.truncate(path_of(segment), {whole}));
  ledger_.with([&](Ledger& ledger) {
    ledger.sizes[segment] = whole;
    ledger.figures.held.count -= size - whole;
    ledger.figures.torn.count += size - whole;
  });
  return {};
}

Result<> Segments::read_cursor() {
  const std::uint64_t first = ledger_.with(
      [](const Ledger& ledger) { return ledger.sizes.empty() ? 1 : ledger.sizes.begin()->first; });
  committed_ = {.segment = first, .offset = 0};
  const Path path = folder_ / "cursor";
  if (files_.exists(path)) {
    const Buffer bytes = TRY(files_.read(path, kLargestCursor));
    const std::string_view text = as_text(bytes);
    Place place;
    const char* const end = text.data() + text.size();
    const auto [blank, error] = std::from_chars(text.data(), end, place.segment);
    if (error != std::errc() || blank == end ||
        std::from_chars(blank + 1, end, place.offset).ec != std::errc() || place.segment == 0) {
      return fail(ErrorKind::corrupt_data,
                  path.string() + " is no cursor; remove it to read all that is kept once more");
    }
    if (place.segment >= first && place.offset <= size_of(place.segment)) {
      committed_ = place;
    } else {
      // Of files that are gone (a restored copy): from the beginning rather than never. It must not
      // become true again once there are as many files as before.
      TRY(files_.remove(path));
    }
  }
  reading_ = committed_;
  return {};
}

Segments::Path Segments::path_of(std::uint64_t segment) const {
  std::string number = std::to_string(segment);
  number.insert(0, 20 - number.size(), '0');
  return folder_ / (number + std::string(kEnding));
}

std::uint64_t Segments::size_of(std::uint64_t segment) const {
  return ledger_.with([segment](const Ledger& ledger) {
    const auto found = ledger.sizes.find(segment);
    return found == ledger.sizes.end() ? 0 : found->second;
  });
}

Result<> Segments::append(ByteView frame) {
  CHECK(!frame.empty() && frame.size() <= kLargestFrame.count, "a frame has 1 byte to 4 MiB");
  const std::uint64_t held = figures().held.count;
  if (held + kHead + frame.size() > options_.limit.count) {
    return fail(ErrorKind::resource_exhausted, "the buffer " + folder_.string() + " holds " +
                                                   to_string(Bytes{held}) + " of " +
                                                   to_string(options_.limit));
  }
  if (!writer_ || size_of(writing_) >= options_.segment.count) TRY(begin_segment());
  Buffer bytes;
  bytes.reserve(kHead + frame.size());
  put_number(bytes, static_cast<std::uint32_t>(frame.size()));
  put_number(bytes, checksum(frame));
  bytes.insert(bytes.end(), frame.begin(), frame.end());
  if (const Result<> written = writer_->write(bytes); !written) {
    give_up_file();
    return fail(written.error());
  }
  ledger_.with([&](Ledger& ledger) {
    ledger.sizes[writing_] += bytes.size();
    ledger.figures.held.count += bytes.size();
    ++ledger.figures.appended;
  });
  unsynced_ = true;
  return {};
}

// After a write that failed, what is there of its frame is cut off; where that fails too, the next
// frame goes into another file. What was appended before it is synced now, or known to be lost.
void Segments::give_up_file() {
  (void)sync_file();
  writer_.reset();
  torn_ = !files_.truncate(path_of(writing_), {size_of(writing_)}).ok();
}

// What fails here is kept for sync().
Result<> Segments::sync_file() {
  if (!std::exchange(unsynced_, false)) return {};
  Result<> synced = writer_->sync();
  if (!synced) {
    lost_ = synced.error();
    ledger_.with([](Ledger& ledger) { ++ledger.figures.losses; });
  }
  return synced;
}

Result<> Segments::begin_segment() {
  if (writer_) {
    Result<> synced = sync_file();
    writer_.reset();
    if (!synced) return synced;
  }
  // A file that holds nothing is begun again: a disk that stays full does not fill with them.
  const bool empty = writing_ != 0 && size_of(writing_) == 0 && !torn_;
  const std::uint64_t next = empty ? writing_ : writing_ + 1;
  writer_ = TRY(files_.append(path_of(next)));
  writing_ = next;
  torn_ = false;
  ledger_.with([next](Ledger& ledger) { ledger.sizes.try_emplace(next, 0); });
  return {};
}

Result<> Segments::sync() {
  // The system may have dropped what it could not write; nobody may build on that file.
  if (writer_ && !sync_file()) writer_.reset();
  if (lost_) return fail(*std::exchange(lost_, std::nullopt));
  return {};
}

Result<std::optional<Buffer>> Segments::next() {
  while (true) {
    const ByteView ahead = ByteView(ahead_).subspan(ahead_at_);
    const Result<std::optional<std::size_t>> frame = whole_frame(ahead);
    if (frame && *frame) {
      const ByteView inner = ahead.subspan(kHead, **frame - kHead);
      Buffer bytes(inner.begin(), inner.end());
      ahead_at_ += **frame;
      reading_.offset += **frame;
      ledger_.with([](Ledger& ledger) { ++ledger.figures.read; });
      return std::optional<Buffer>(std::move(bytes));
    }
    const std::uint64_t end = size_of(reading_.segment);
    const std::uint64_t known = reading_.offset + ahead.size();
    if (frame && known < end) {
      const std::uint64_t more = std::min(end - known, kReadAhead.count);
      const Buffer part = TRY(files_.read_part(path_of(reading_.segment), {known}, {more}));
      if (!part.empty()) {
        ahead_.erase(ahead_.begin(), ahead_.begin() + static_cast<std::ptrdiff_t>(ahead_at_));
        ahead_at_ = 0;
        ahead_.insert(ahead_.end(), part.begin(), part.end());
        continue;
      }
    }
    // What is left of this file is no frame: damaged, or shorter than it was.
    if (end > reading_.offset) {
      ledger_.with([&](Ledger& ledger) { ledger.figures.torn.count += end - reading_.offset; });
      drop_ahead();
      reading_.offset = end;
    }
    if (!TRY(go_to_next_segment())) return std::optional<Buffer>();
  }
}

// False when the segment that is being read is the last.
Result<bool> Segments::go_to_next_segment() {
  const std::uint64_t next = ledger_.with([this](const Ledger& ledger) {
    const auto found = ledger.sizes.upper_bound(reading_.segment);
    return found == ledger.sizes.end() ? 0 : found->first;
  });
  // Appended to this one since it was looked at.
  if (size_of(reading_.segment) > reading_.offset) return true;
  if (next == 0) return false;
  reading_ = {.segment = next, .offset = 0};
  drop_ahead();
  return true;
}

void Segments::drop_ahead() {
  ahead_.clear();
  ahead_at_ = 0;
}

Result<> Segments::commit() {
  if (committed_ != reading_) {
    const std::string place =
        std::to_string(reading_.segment) + " " + std::to_string(reading_.offset) + "\n";
    const Place before = std::exchange(committed_, reading_);
    if (!files_.write(folder_ / "cursor", as_bytes(place))) {
      // A full disk: what is read makes room. Without a cursor that fits, reading begins with the
      // oldest file that is left, so nothing is passed over.
      TRY(free_read());
      if (Result<> written = files_.write(folder_ / "cursor", as_bytes(place)); !written) {
        committed_ = before;
        return written;
      }
    }
  }
  return free_read();
}

// Files before the one that is being read.
Result<> Segments::free_read() {
  while (true) {
    const std::uint64_t first = ledger_.with([](const Ledger& ledger) {
      return ledger.sizes.empty() ? UINT64_MAX : ledger.sizes.begin()->first;
    });
    if (first >= committed_.segment) return {};
    TRY(files_.remove(path_of(first)));
    ledger_.with([first](Ledger& ledger) {
      ledger.figures.held.count -= ledger.sizes[first];
      ledger.sizes.erase(first);
    });
  }
}

SegmentFigures Segments::figures() const {
  return ledger_.with([](const Ledger& ledger) { return ledger.figures; });
}

}  // namespace quern::logs
