// `type = "http"`: records by POST, as a JSON object, an array of them, or one a line.
#include "base/text.hpp"

#include "inputs/makers.hpp"
#include "inputs/now.hpp"
#include "inputs/web_door.hpp"
#include "logs/json.hpp"
#include "logs/msgpack.hpp"
#include "logs/record.hpp"

#include <algorithm>
#include <utility>

namespace quern::inputs {
namespace {

using logs::msgpack::Reader;
using logs::msgpack::Token;
using logs::msgpack::Type;

constexpr std::uint16_t kPort = 9880;

Failure bad(std::string_view which, std::size_t number, std::string_view why) {
  return fail(ErrorKind::invalid_argument,
              std::string(which) + " " + std::to_string(number) + ": " + std::string(why));
}

// All of a body, or nothing of it.
class JsonBody {
 public:
  JsonBody(std::string tag, logs::EventTime now, WebRoom& room)
      : tag_(std::move(tag)), now_(now), room_(room) {}

  Result<> read(std::string_view body, const std::string& type) {
    const bool lines = type == "application/x-ndjson" || type == "application/jsonl" ||
                       type == "application/x-jsonlines";
    if (lines) return read_lines(body);
    TRY(room_.take(body.size()));
    Buffer value;
    const Result<> whole = logs::from_json(body, value);
    if (whole.ok()) {
      if (value.size() > body.size()) TRY(room_.take(value.size() - body.size()));
      return read_value(value);
    }
    // Lines of a sender who calls them JSON, if the first is whole.
    const std::size_t end = body.find('\n');
    Buffer first;
    if (end != std::string_view::npos && logs::from_json(body.substr(0, end), first).ok())
      return read_lines(body);
    return fail(ErrorKind::invalid_argument, whole.error().message());
  }
  std::vector<logs::Batch> take() {
    if (!batch_.empty()) full_.push_back(std::exchange(batch_, {}));
    return std::move(full_);
  }
  std::size_t count() const { return count_; }

 private:
  Result<> read_lines(std::string_view body) {
    std::size_t number = 0;
    Buffer value;
    while (!body.empty()) {
      ++number;
      const std::size_t end = std::min(body.find('\n'), body.size());
      const std::string_view line = trim(body.substr(0, end));
      body.remove_prefix(std::min(end + 1, body.size()));
      if (line.empty()) continue;
      value.clear();
      if (const Result<> read = logs::from_json(line, value); !read.ok())
        return bad("line", number, read.error().message());
      TRY(add(value, "line", number));
    }
    return {};
  }

  Result<> read_value(ByteView value) {
    Reader reader(value);
    const Token token = TRY(reader.next());
    if (token.type != Type::array) return add(value, "record", 1);
    for (std::uint32_t i = 0; i < token.count; ++i) {
      const ByteView record = TRY(reader.skip());
      TRY(add(record, "record", i + 1));
    }
    return {};
  }

  Result<> add(ByteView record, std::string_view which, std::size_t number) {
    if (!logs::is_map(record)) return bad(which, number, "it is no JSON object");
    if (record.size() > logs::kLargestRecord.count)
      return bad(which, number, "it is larger than 1 MiB");
    TRY(room_.take(record.size() + kAroundRecord));
    batch_.add(tag_, now_, record);
    ++count_;
    if (batch_.full()) full_.push_back(std::exchange(batch_, {}));
    return {};
  }

  std::string tag_;
  logs::EventTime now_;
  WebRoom& room_;
  logs::Batch batch_;
  std::vector<logs::Batch> full_;
  std::size_t count_ = 0;
};

class JsonTaker final : public WebTaker {
 public:
  JsonTaker(std::string tag, std::string name, Clock& clock)
      : tag_(std::move(tag)), name_(std::move(name)), clock_(clock) {}

  std::uint16_t status_of(const http::RequestHead& head) const override {
    return head.method == "POST" ? 0 : 405;
  }

  Result<WebAnswer> take(const WebRequest& request, WebRoom& room,
                         const Give& give) const override {
    JsonBody body(tag_for(request.head.target), event_time(clock_), room);
    TRY(body.read(as_text(request.body), media_type(request.head)));
    const std::size_t count = body.count();
    for (logs::Batch& batch : body.take()) TRY(give(std::move(batch)));
    return WebAnswer{.status = 200,
                     .content_type = "application/json",
                     .body = "{\"records\":" + std::to_string(count) + "}\n"};
  }

  WebAnswer refusal(const http::RequestHead& /*head*/, std::uint16_t status,
                    std::string_view why) const override {
    Buffer object;
    logs::msgpack::Writer writer(object);
    writer.map(1);
    writer.string("error");
    writer.string(printable(why, 500));
    std::string json;
    (void)logs::msgpack::to_json(object, json);
    return {.status = status, .content_type = "application/json", .body = json + "\n"};
  }

 private:
  // "/app/web?x" is "app.web".
  std::string tag_for(std::string_view target) const {
    if (!tag_.empty()) return tag_;
    target = target.substr(0, target.find('?'));
    while (target.starts_with('/')) target.remove_prefix(1);
    while (target.ends_with('/')) target.remove_suffix(1);
    if (target.empty()) return name_;
    std::string tag(target.substr(0, logs::kLongestTag));
    std::replace(tag.begin(), tag.end(), '/', '.');
    return tag;
  }

  const std::string tag_;  // empty: the path says it
  const std::string name_;
  Clock& clock_;
};

}  // namespace

MadeInput make_http(Settings& settings, const logs::StageWorld& world) {
  WebOptions options = TRY(read_web_options(settings, world, kPort));
  std::string tag = TRY(settings.text_or("tag", ""));
  return std::make_unique<WebInput>(
      std::move(options), std::make_unique<JsonTaker>(std::move(tag), world.name, world.clock),
      "http_input");
}

}  // namespace quern::inputs
