// Entries are written by one function and in one form, so that reading them again needs no search:
//
//     92 | 92 | d7 00 <seconds> <nanoseconds> | metadata | record
//
// (https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1.5). A frame is
// messages of Forward's PackedForward one after the other: [tag, entries as binary].
#include "logs/batch.hpp"

#include "logs/msgpack.hpp"
#include "logs/record.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace quern::logs {
namespace {

using msgpack::Reader;
using msgpack::Token;
using msgpack::Type;
using msgpack::Writer;

constexpr std::size_t kHead = 12;  // two arrays, the extension's two bytes, 8 of time
constexpr std::byte kPair{0x92};
constexpr std::byte kEmptyMap{0x80};
constexpr std::int8_t kEventTime = 0;
// Of a frame, around its entries: tag and headers.
constexpr std::size_t kAround = kLongestTag + 16;

void put_u32(std::byte* at, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) *at++ = static_cast<std::byte>(value >> shift);
}

std::uint32_t get_u32(ByteView bytes) {
  std::uint32_t value = 0;
  for (const std::byte byte : bytes.first(4))
    value = value << 8U | std::to_integer<std::uint32_t>(byte);
  return value;
}

// How many bytes stand before a string of that size, and they.
std::size_t string_head(std::size_t size) {
  return size < 32 ? 1 : size <= 0xff ? 2 : size <= 0xffff ? 3 : 5;
}
void put_string_head(std::byte* at, std::size_t size, std::size_t head) {
  if (head == 1) {
    *at = static_cast<std::byte>(0xa0U | size);
    return;
  }
  *at = static_cast<std::byte>(head == 2 ? 0xd9 : head == 3 ? 0xda : 0xdb);
  for (std::size_t i = 1; i < head; ++i)
    at[i] = static_cast<std::byte>(size >> (8 * (head - 1 - i)));
}

Failure no_entry(std::string_view why) {
  return fail(ErrorKind::corrupt_data,
              "an entry of a message is not [time, record]: " + std::string(why));
}

Result<EventTime> read_time(const Token& token) {
  if (token.type == Type::natural && token.natural <= 0xffff'ffffU) {
    return EventTime{.seconds = static_cast<std::uint32_t>(token.natural)};
  }
  // Some senders give seconds with a fraction.
  if (token.type == Type::floating && token.floating >= 0 && token.floating < 4294967295.0) {
    const auto seconds = static_cast<std::uint32_t>(token.floating);
    const double rest = token.floating - seconds;
    return EventTime{.seconds = seconds,
                     .nanoseconds = std::min(static_cast<std::uint32_t>(rest * 1e9), 999'999'999U)};
  }
  if (token.type == Type::extension && token.extension == kEventTime && token.bytes.size() == 8) {
    const EventTime time{.seconds = get_u32(token.bytes),
                         .nanoseconds = get_u32(token.bytes.subspan(4))};
    if (time.nanoseconds < 1'000'000'000) return time;
  }
  return no_entry("its time is none");
}

struct Parts {
  EventTime time;
  ByteView metadata;
  ByteView record;
};

// The next entry, whole.
Result<Parts> read_entry(Reader& reader, Bytes largest) {
  Parts parts;
  const Token pair = TRY(reader.next());
  if (pair.type != Type::array || pair.count < 2) return no_entry("no array of two");
  Token time = TRY(reader.next());
  if (time.type == Type::array) {
    if (time.count != 2) return no_entry("no [time, metadata]");
    time = TRY(reader.next());
    parts.metadata = TRY(reader.skip());
    if (!is_map(parts.metadata)) return no_entry("its metadata is no map");
  }
  parts.time = TRY(read_time(time));
  parts.record = TRY(reader.skip());
  if (!is_map(parts.record)) return no_entry("its record is no map");
  for (std::uint32_t more = 2; more < pair.count; ++more) TRY(reader.skip());
  if (parts.record.size() + parts.metadata.size() > largest.count) {
    return fail(ErrorKind::resource_exhausted, "a record is larger than " + to_string(largest));
  }
  return parts;
}

}  // namespace

Batch::Run& Batch::run_for(std::string_view tag) {
  if (runs_.empty() || runs_.back().tag != tag)
    runs_.push_back({.tag = std::string(tag), .entries = {}});
  return runs_.back();
}

void Batch::add(std::string_view tag, EventTime time, ByteView record, ByteView metadata) {
  Run& run = run_for(tag);
  const std::size_t begin = run.entries.size();
  std::array<std::byte, kHead + 1> head{kPair, kPair, std::byte{0xd7}, std::byte{kEventTime}};
  put_u32(head.data() + 4, time.seconds);
  put_u32(head.data() + 8, time.nanoseconds);
  head[kHead] = kEmptyMap;
  const std::size_t own = metadata.empty() ? head.size() : kHead;
  run.entries.insert(run.entries.end(), head.begin(), head.begin() + own);
  if (!metadata.empty()) run.entries.insert(run.entries.end(), metadata.begin(), metadata.end());
  const std::size_t at = run.entries.size();
  run.entries.insert(run.entries.end(), record.begin(), record.end());
  note_entry(begin, at);
}

// The last run's entries grew from `begin` to their end.
void Batch::note_entry(std::size_t begin, std::size_t record) {
  Run& run = runs_.back();
  ++run.count;
  places_.push_back({.run = static_cast<std::uint32_t>(runs_.size() - 1),
                     .entry = static_cast<std::uint32_t>(begin),
                     .record = static_cast<std::uint32_t>(record),
                     .end = static_cast<std::uint32_t>(run.entries.size())});
  bytes_ += run.entries.size() - begin;
}

void Batch::add_line(std::string_view tag, EventTime time, ByteView before, std::string_view line) {
  Run& run = run_for(tag);
  const std::size_t begin = run.entries.size();
  const std::size_t head = string_head(line.size());
  run.entries.resize(begin + kHead + 1 + before.size() + head + line.size());
  std::byte* at = run.entries.data() + begin;
  *at++ = kPair;
  *at++ = kPair;
  *at++ = std::byte{0xd7};
  *at++ = std::byte{kEventTime};
  put_u32(at, time.seconds);
  put_u32(at + 4, time.nanoseconds);
  at += 8;
  *at++ = kEmptyMap;
  at = std::copy(before.begin(), before.end(), at);
  put_string_head(at, line.size(), head);
  std::copy(line.begin(), line.end(), reinterpret_cast<char*>(at + head));
  note_entry(begin, begin + kHead + 1);
}

void Batch::append(Batch other) {
  if (empty()) {
    *this = std::move(other);
    return;
  }
  for (const Entry& entry : other) add(entry);
}

Entry Batch::operator[](std::size_t at) const {
  const Place& place = places_[at];
  const Run& run = runs_[place.run];
  const ByteView bytes = ByteView(run.entries).subspan(place.entry, place.end - place.entry);
  const std::size_t record = place.record - place.entry;
  return {.tag = run.tag,
          .time = {.seconds = get_u32(bytes.subspan(4)), .nanoseconds = get_u32(bytes.subspan(8))},
          .metadata = bytes.subspan(kHead, record - kHead),
          .record = bytes.subspan(record)};
}

std::vector<Buffer> Batch::frames(Bytes largest) const {
  std::vector<Buffer> all;
  for (std::size_t at = 0; at < places_.size();) {
    const Place& first = places_[at];
    const Run& run = runs_[first.run];
    std::uint32_t end = first.end;
    for (++at; at < places_.size() && places_[at].run == first.run; ++at) {
      if (places_[at].end - first.entry + kAround > largest.count) break;
      end = places_[at].end;
    }
    const std::size_t size = end - first.entry;
    if (all.empty() || all.back().size() + size + kAround > largest.count) all.emplace_back();
    all.back().reserve(all.back().size() + size + kAround);
    Writer writer(all.back());
    writer.array(2);
    writer.string(run.tag);
    writer.binary(ByteView(run.entries).subspan(first.entry, size));
  }
  return all;
}

Result<Batch> Batch::parse(ByteView frame) {
  Batch batch;
  Reader reader(frame);
  while (!reader.done()) {
    const Token pair = TRY(reader.next());
    if (pair.type != Type::array || pair.count != 2) return no_entry("no frame");
    const Token tag = TRY(reader.next());
    const Token entries = TRY(reader.next());
    if (tag.type != Type::string || entries.type != Type::binary) return no_entry("no frame");
    // What filters made of a record may be larger than what a sender may send.
    TRY(batch.add_all_packed(as_text(tag.bytes), entries.bytes, {frame.size()}));
  }
  return batch;
}

Result<> Batch::add_packed(std::string_view tag, ByteView entry) {
  Reader reader(entry);
  const Parts parts = TRY(read_entry(reader, kLargestRecord));
  if (!reader.done()) return no_entry("more follows");
  add(tag, parts.time, parts.record, parts.metadata);
  return {};
}

Result<> Batch::add_all_packed(std::string_view tag, ByteView entries, Bytes largest) {
  Reader reader(entries);
  run_for(tag).entries.reserve(entries.size());
  while (!reader.done()) {
    const Parts parts = TRY(read_entry(reader, largest));
    add(tag, parts.time, parts.record, parts.metadata);
  }
  return {};
}

}  // namespace quern::logs
