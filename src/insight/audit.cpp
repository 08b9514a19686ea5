#include "insight/audit.hpp"

#include "insight/fields.hpp"
#include "logs/json.hpp"
#include "logs/msgpack.hpp"
#include "logs/record.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

namespace quern::insight {
namespace {

constexpr std::uint64_t kAtOnce = (1_MiB).count;

std::optional<PastEvent> past_event(std::string_view line) {
  Buffer map;
  if (line.empty() || !logs::from_json(line, map).ok()) return std::nullopt;
  const auto time = natural_field(map, "time");
  const auto id = natural_field(map, "template");
  if (!time || !id || *id > UINT32_MAX) return std::nullopt;
  const auto verdict = logs::field(map, "verdict");
  return PastEvent{.time = static_cast<std::int64_t>(*time),
                   .what = text_or_empty(map, "what"),
                   .action = text_or_empty(map, "action"),
                   .id = static_cast<mining::TemplateId>(*id),
                   .text = text_or_empty(map, "text"),
                   .verdict = verdict ? Buffer(verdict->begin(), verdict->end()) : Buffer(),
                   .who = text_or_empty(map, "who"),
                   .question = text_or_empty(map, "question")};
}

// Gives the lines of a file to `each`, the last first, until it says that it has enough.
Result<> lines_from_the_end(Files& files, const std::filesystem::path& file,
                            const std::function<bool(std::string_view)>& each) {
  const Result<FileInfo> info = files.stat(file);
  if (!info.ok()) {
    return info.error().kind() == ErrorKind::not_found ? Result<>() : fail(info.error());
  }
  std::string rest;  // of a line that begins before
  for (std::uint64_t end = info->size.count; end > 0;) {
    const std::uint64_t begin = end - std::min(end, kAtOnce);
    const Buffer part = TRY(files.read_part(file, {begin}, {end - begin}));
    rest.insert(0, as_text(part));
    end = begin;
    for (std::size_t at = rest.rfind('\n'); at != std::string::npos; at = rest.rfind('\n')) {
      if (!each(std::string_view(rest).substr(at + 1))) return {};
      rest.resize(at);
    }
    if (rest.size() > kAtOnce) rest.clear();  // no line of ours is as long
  }
  (void)each(rest);  // the first
  return {};
}

}  // namespace

Result<std::vector<PastEvent>> Audit::last(std::chrono::seconds span) {
  std::vector<PastEvent> events;
  bool enough = false;
  const auto take = [&](std::string_view line) {
    std::optional<PastEvent> event = past_event(line);
    if (!event) return true;
    enough = !events.empty() && event->time < events.front().time - span.count();
    if (!enough) events.push_back(*std::move(event));
    return !enough;
  };
  TRY(lines_from_the_end(files_, file_, take));
  if (!enough) TRY(lines_from_the_end(files_, before(), take));
  std::reverse(events.begin(), events.end());
  return events;
}

Result<> Audit::write(const Event& event) {
  Buffer map;
  logs::msgpack::Writer writer(map);
  writer.map(9);
  writer.string("time");
  writer.integer(
      std::chrono::floor<std::chrono::seconds>(clock_.date().time_since_epoch()).count());
  const auto put = [&](std::string_view key, std::string_view value) {
    writer.string(key);
    writer.string(value);
  };
  put("what", event.what);
  put("action", event.action);
  writer.string("template");
  writer.natural(event.id);
  put("text", event.text);
  writer.string("verdict");
  Buffer verdict;
  if (!event.verdict.empty() && logs::from_json(event.verdict, verdict).ok()) {
    writer.raw(verdict);
  } else {
    writer.nil();
  }
  put("who", event.who);
  put("detail", event.detail);
  put("question", event.question);
  std::string line;
  add_json_line(map, line);

  const auto locked = open_.lock();
  TRY(open(*locked));
  Result<> written = locked->writer->write(as_bytes(line));
  if (written.ok()) written = locked->writer->sync();
  if (!written.ok()) {
    locked->writer.reset();  // half a line may be there: the next begins in a new one
    return written;
  }
  locked->size += line.size();
  return {};
}

Result<> Audit::open(Open& open) {
  if (open.writer && open.size < kLargest.count) return {};
  const auto there = files_.stat(file_);
  std::uint64_t size = there.ok() ? there->size.count : 0;
  if (size >= kLargest.count) {
    TRY(files_.rename(file_, before()));
    size = 0;
  }
  auto writer = TRY(files_.append(file_));
  if (size > 0) TRY(writer->write(as_bytes("\n")));
  open.writer = std::move(writer);
  open.size = size;
  return {};
}

}  // namespace quern::insight
