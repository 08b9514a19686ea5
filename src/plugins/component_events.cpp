// The encoding of a call of quern:log/filter#process: docs/formats/bridge-values.md.
#include "plugins/component_events.hpp"

#include "base/text.hpp"

#include "logs/json.hpp"
#include "logs/msgpack.hpp"

#include <bit>
#include <cstring>

namespace quern::plugins {
namespace {

using logs::Entry;

constexpr std::size_t kEmptyMap = 1;  // bytes of a msgpack map with nothing in it
constexpr std::uint32_t kSecond = 1'000'000'000;

static_assert(std::endian::native == std::endian::little, "the encoding is little-endian");

template <class Integer>
void put(std::string& out, Integer value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

void set_u32(std::string& out, std::size_t at, std::size_t value) {
  const auto number = static_cast<std::uint32_t>(value);
  std::memcpy(out.data() + at, &number, sizeof number);
}

// A length, and the object's JSON.
bool put_json(std::string& out, ByteView object) {
  const std::size_t at = out.size();
  put(out, std::uint32_t{0});
  if (!logs::msgpack::to_json(object, out).ok()) return false;
  set_u32(out, at, out.size() - at - sizeof(std::uint32_t));
  return true;
}

bool put_event(std::string& out, const Entry& entry) {
  put(out, std::uint64_t{entry.time.seconds});
  put(out, entry.time.nanoseconds);
  if (!put_json(out, entry.record)) return false;
  const bool metadata = entry.metadata.size() > kEmptyMap;
  out.push_back(metadata ? '\1' : '\0');
  return !metadata || put_json(out, entry.metadata);
}

void put_tag(std::string& out, std::string_view tag) {
  std::string shown;
  if (!is_utf8(tag)) {
    shown = printable(tag, logs::kLongestTag);
    tag = shown;
  }
  put(out, static_cast<std::uint32_t>(tag.size()));
  out.append(tag);
}

Result<> read_object(std::string_view json, Buffer& into, std::string_view what) {
  into.clear();
  const Result<> read = logs::from_json(json, into);
  if (!read.ok()) {
    return fail(ErrorKind::corrupt_data, std::string(what) + ": " + read.error().message());
  }
  const auto first = TRY(logs::msgpack::Reader(into).next());
  if (first.type == logs::msgpack::Type::map) return {};
  return fail(ErrorKind::corrupt_data, std::string(what) + ": it is JSON, but no object");
}

Result<> check_size(ByteView record, ByteView metadata) {
  if (record.size() + metadata.size() <= logs::kLargestRecord.count) return {};
  return fail(ErrorKind::resource_exhausted, "a record of more than 1 MiB");
}

}  // namespace

std::size_t write_events(const logs::Batch& batch, std::size_t begin, const CallBounds& bounds,
                         std::string& arguments) {
  arguments.clear();
  const std::string_view tag = batch[begin].tag;
  put_tag(arguments, tag);
  const std::size_t place = arguments.size();
  put(arguments, std::uint32_t{0});
  std::size_t count = 0;
  while (count < bounds.records && begin + count < batch.size()) {
    const Entry entry = batch[begin + count];
    const std::size_t before = arguments.size();
    const bool fits = entry.tag == tag && put_event(arguments, entry) &&
                      (count == 0 || arguments.size() <= bounds.bytes);
    if (!fits) {
      arguments.resize(before);
      break;
    }
    ++count;
  }
  set_u32(arguments, place, count);
  return count;
}

Result<> Outcomes::next(const Entry& entry, logs::Filtered& out,
                        const std::function<void(std::string_view)>& dead) {
  switch (static_cast<Case>(reader_.discriminant())) {
    case Case::keep: out.kept.add(entry); return {};
    case Case::drop: ++out.dropped; return {};
    case Case::change:
      TRY(read_object(reader_.text(), record_, "the new body"));
      TRY(check_size(record_, entry.metadata));
      out.kept.add(entry.tag, entry.time, record_, entry.metadata);
      return {};
    case Case::replace: return replace(entry, out);
    case Case::dead: dead(reader_.text()); return {};
  }
  return fail(ErrorKind::internal, "an outcome that there is not");
}

// All of them or none: half of what a record became is another record.
Result<> Outcomes::replace(const Entry& entry, logs::Filtered& out) {
  logs::Batch made;
  Result<> fault;
  const std::uint32_t count = reader_.count();
  for (std::uint32_t i = 0; i < count; ++i) {
    std::string_view tag = entry.tag;
    if (reader_.present()) tag = reader_.text();
    const std::uint64_t seconds = reader_.u64();
    const std::uint32_t nanoseconds = reader_.u32();
    const std::string_view body = reader_.text();
    const bool with_metadata = reader_.present();
    const std::string_view metadata = with_metadata ? reader_.text() : std::string_view();
    if (!fault.ok()) continue;  // what follows is read all the same: other outcomes stand behind it
    fault = [&]() -> Result<> {
      if (tag.empty() || tag.size() > logs::kLongestTag) {
        return fail(ErrorKind::invalid_argument, "a tag has 1 to 256 bytes");
      }
      if (seconds > UINT32_MAX || nanoseconds >= kSecond) {
        return fail(ErrorKind::invalid_argument, "a time that is none, or beyond 2106");
      }
      TRY(read_object(body, record_, "a new event's body"));
      metadata_.clear();
      if (with_metadata) TRY(read_object(metadata, metadata_, "a new event's metadata"));
      TRY(check_size(record_, metadata_));
      made.add(tag, {static_cast<std::uint32_t>(seconds), nanoseconds}, record_, metadata_);
      return {};
    }();
  }
  TRY(std::move(fault));
  if (count == 0) ++out.dropped;
  out.kept.append(std::move(made));
  return {};
}

}  // namespace quern::plugins
