#include "outputs/line_format.hpp"

#include "logs/msgpack.hpp"
#include "logs/record.hpp"
#include "logs/time_format.hpp"

namespace quern::outputs {
namespace {

void add_pair(std::string_view key, std::string_view value, std::string& out) {
  if (out.back() != '{') out.push_back(',');
  logs::msgpack::json_text(key, out);
  out.push_back(':');
  logs::msgpack::json_text(value, out);
}

}  // namespace

Result<JsonKeys> JsonKeys::read(Settings& settings, std::string_view time_key) {
  return JsonKeys{.time = TRY(settings.text_or("time_key", time_key)),
                  .tag = TRY(settings.text_or("tag_key", ""))};
}

Result<> append_json(const logs::Entry& entry, const JsonKeys& keys, std::string& out) {
  const std::size_t before = out.size();
  out.push_back('{');
  if (!keys.time.empty() && !logs::field(entry.record, keys.time))
    add_pair(keys.time, logs::iso8601(entry.time), out);
  if (!keys.tag.empty() && !logs::field(entry.record, keys.tag)) add_pair(keys.tag, entry.tag, out);
  const bool added = out.size() > before + 1;
  if (!added) out.pop_back();
  const std::size_t at = out.size();
  const Result<> written = logs::msgpack::to_json(entry.record, out);
  if (!written.ok()) {
    out.resize(before);
    return written;
  }
  // The record's own brace continues what was begun.
  if (!added) return {};
  if (out.size() == at + 2) {
    out.erase(at, 1);
  } else {
    out[at] = ',';
  }
  return {};
}

Result<LineFormat> LineFormat::read(Settings& settings) {
  LineFormat format;
  const std::string form = TRY(settings.one_of("format", {"json", "text", "msgpack"}));
  if (form == "msgpack") format.form_ = Form::msgpack;
  if (form == "json") format.keys_ = TRY(JsonKeys::read(settings, "time"));
  if (form == "text") {
    format.form_ = Form::text;
    auto text = Template::parse(TRY(settings.text_or("template", "{@time} {@tag} {@line}")));
    if (!text.ok()) return settings.wrong("template", text.error().message());
    format.text_ = *std::move(text);
  }
  return format;
}

Result<> LineFormat::append(const logs::Entry& entry, std::string& out) const {
  switch (form_) {
    case Form::json: TRY(append_json(entry, keys_, out)); break;
    case Form::text: text_.render(entry, one_line, out); break;
    case Form::msgpack: {
      logs::Batch one;
      one.add(entry);
      out += as_text(one.runs().front().entries);
      return {};
    }
  }
  out.push_back('\n');
  return {};
}

}  // namespace quern::outputs
