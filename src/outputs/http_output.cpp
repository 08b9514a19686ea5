// Any server that takes JSON, one record a line, or msgpack.
#include "outputs/http_post.hpp"
#include "outputs/line_format.hpp"
#include "outputs/makers.hpp"

namespace quern::outputs {
namespace {

using logs::Batch;
using logs::Entry;

enum class Form : std::uint8_t { array, lines, msgpack };

class HttpOutput final : public logs::Output {
 public:
  HttpOutput(HttpPost post, Form form, JsonKeys keys)
      : post_(std::move(post)), form_(form), keys_(std::move(keys)) {}

  Result<Batch> deliver(const Batch& batch, const std::stop_token& stop) override {
    return post_.deliver(
        batch, content_type(),
        [&](std::span<const Entry> entries, Batch& dead) {
          return form_ == Form::msgpack ? packed(entries) : json(entries, dead);
        },
        stop);
  }

 private:
  std::string_view content_type() const {
    switch (form_) {
      case Form::array: return "application/json";
      case Form::lines: return "application/x-ndjson";
      case Form::msgpack: break;
    }
    return "application/msgpack";
  }

  static std::string packed(std::span<const Entry> entries) {
    Batch all;
    for (const Entry& entry : entries) all.add(entry);
    std::string body;
    for (const Batch::Run& run : all.runs()) body += as_text(run.entries);
    return body;
  }

  std::string json(std::span<const Entry> entries, Batch& dead) const {
    std::string body;
    const char separator = form_ == Form::array ? ',' : '\n';
    for (const Entry& entry : entries) {
      const Result<> written = append_json(entry, keys_, body);
      if (written.ok()) {
        body.push_back(separator);
      } else {
        mark_dead(dead, entry, post_.stage(), written.error().describe());
      }
    }
    if (form_ == Form::lines || body.empty()) return body;
    body.back() = ']';
    return "[" + body;
  }

  HttpPost post_;
  const Form form_;
  const JsonKeys keys_;
};

}  // namespace

Made make_http(Settings& settings, const logs::StageWorld& world) {
  HttpPost post = TRY(HttpPost::read(settings, world));
  const std::string name = TRY(settings.one_of("format", {"json", "ndjson", "msgpack"}));
  const Form form = name == "json" ? Form::array : name == "ndjson" ? Form::lines : Form::msgpack;
  JsonKeys keys;
  if (form != Form::msgpack) keys = TRY(JsonKeys::read(settings, "time"));
  return std::unique_ptr<logs::Output>(
      std::make_unique<HttpOutput>(std::move(post), form, std::move(keys)));
}

}  // namespace quern::outputs
