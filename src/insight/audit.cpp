#include "insight/audit.hpp"

#include "insight/fields.hpp"
#include "logs/json.hpp"
#include "logs/msgpack.hpp"

namespace quern::insight {

Result<> Audit::write(const Event& event) {
  Buffer map;
  logs::msgpack::Writer writer(map);
  writer.map(8);
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
    TRY(files_.rename(file_, file_.string() + ".1"));
    size = 0;
  }
  auto writer = TRY(files_.append(file_));
  if (size > 0) TRY(writer->write(as_bytes("\n")));
  open.writer = std::move(writer);
  open.size = size;
  return {};
}

}  // namespace quern::insight
