#include "inputs/otlp_records.hpp"

#include "inputs/web_door.hpp"
#include "logs/msgpack.hpp"

#include <array>
#include <utility>

namespace quern::inputs {
namespace {

using logs::msgpack::Writer;

constexpr std::uint64_t kSecond = 1'000'000'000;

// The short names of the data model, four numbers each.
std::string_view severity_word(std::uint64_t number) {
  static constexpr std::array<std::string_view, 6> kWords{"trace", "debug", "info",
                                                          "warn",  "error", "fatal"};
  return number >= 1 && number <= 24 ? kWords.at((number - 1) / 4) : std::string_view();
}

logs::EventTime time_of(const OtlpLog& log, logs::EventTime now) {
  const std::uint64_t time = log.time_ns != 0 ? log.time_ns : log.observed_ns;
  if (time == 0 || time / kSecond > UINT32_MAX) return now;
  return {.seconds = static_cast<std::uint32_t>(time / kSecond),
          .nanoseconds = static_cast<std::uint32_t>(time % kSecond)};
}

}  // namespace

void OtlpMap::text(std::string_view key, std::string_view value) {
  if (value.empty()) return;
  Writer writer(pairs);
  writer.string(key);
  writer.string(value);
  ++count;
}

void OtlpMap::natural(std::string_view key, std::uint64_t value) {
  if (value == 0) return;
  Writer writer(pairs);
  writer.string(key);
  writer.natural(value);
  ++count;
}

void OtlpMap::object(std::string_view key, ByteView value) {
  if (value.empty()) return;
  Writer writer(pairs);
  writer.string(key);
  writer.raw(value);
  ++count;
}

void OtlpMap::map(std::string_view key, const OtlpMap& value) {
  if (value.count == 0) return;
  Writer writer(pairs);
  writer.string(key);
  writer.map(value.count);
  writer.raw(value.pairs);
  ++count;
}

Result<> OtlpRecords::add(const OtlpMap& resource, const OtlpScope& scope, const OtlpLog& log) {
  // Before it is copied: what does not fit costs nothing.
  const std::size_t shared = resource.pairs.size() + scope.name.size() + scope.version.size() +
                             scope.attributes.pairs.size();
  if (shared + log.body.size() + log.attributes.pairs.size() > logs::kLargestRecord.count) {
    ++rejected_;
    return {};
  }
  OtlpMap from;
  from.text("name", scope.name);
  from.text("version", scope.version);
  from.map("attributes", scope.attributes);
  OtlpMap all;
  all.object("body", log.body);
  all.text("severity", log.severity_text.empty() ? severity_word(log.severity_number)
                                                 : std::string_view(log.severity_text));
  all.natural("severity_number", log.severity_number);
  all.map("attributes", log.attributes);
  all.map("resource", resource);
  all.map("scope", from);
  all.text("trace_id", log.trace_id);
  all.text("span_id", log.span_id);
  all.natural("flags", log.flags);
  all.text("event_name", log.event_name);
  Buffer record;
  Writer writer(record);
  writer.map(all.count);
  writer.raw(all.pairs);
  if (record.size() > logs::kLargestRecord.count) {
    ++rejected_;
    return {};
  }
  const std::uint64_t bytes = record.size() + kAroundRecord + tag_.size();
  if (bytes > left_) {
    return fail(ErrorKind::resource_exhausted,
                "the records of a request, each with its resource, are too much together: send "
                "fewer in one");
  }
  if (may_take_) TRY(may_take_(bytes));
  left_ -= bytes;
  batch_.add(tag_, time_of(log, now_), record);
  if (batch_.full()) full_.push_back(std::exchange(batch_, {}));
  return {};
}

std::vector<logs::Batch> OtlpRecords::take() {
  if (!batch_.empty()) full_.push_back(std::exchange(batch_, {}));
  return std::move(full_);
}

}  // namespace quern::inputs
