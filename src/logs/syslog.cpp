// Syslog: https://www.rfc-editor.org/rfc/rfc5424 and what it replaced, as senders write it:
// https://www.rfc-editor.org/rfc/rfc3164. The older form is a description of habits: host, tag and
// even the time may be missing.
#include "base/text.hpp"

#include "logs/map_builder.hpp"
#include "logs/parser.hpp"

#include <array>

namespace quern::logs {
namespace {

constexpr std::array<std::string_view, 24> kFacilities{
    "kern",   "user",   "mail",     "daemon", "auth",   "syslog",   "lpr",     "news",
    "uucp",   "cron",   "authpriv", "ftp",    "ntp",    "security", "console", "clock",
    "local0", "local1", "local2",   "local3", "local4", "local5",   "local6",  "local7"};
constexpr std::array<std::string_view, 8> kSeverities{"emerg",   "alert",  "crit", "err",
                                                      "warning", "notice", "info", "debug"};
constexpr std::string_view kNil = "-";
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::size_t kLongestTagName = 64;
constexpr std::size_t kMostElements = 64;  // of structured data

bool is_digit(char c) { return c >= '0' && c <= '9'; }

Failure no_syslog(std::string_view why) {
  return fail(ErrorKind::corrupt_data, "no syslog message: " + std::string(why));
}

// Up to the next blank, which is taken off, too.
std::string_view next_word(std::string_view& text) {
  const std::size_t blank = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, blank);
  text.remove_prefix(std::min(blank + 1, text.size()));
  return word;
}

void put(MapBuilder& record, std::string_view key, std::string_view value) {
  if (!value.empty() && value != kNil) record.text(key, value);
}

// "<34>": its number, which is below 192.
std::optional<unsigned> take_priority(std::string_view& text) {
  if (!text.starts_with('<')) return std::nullopt;
  const std::size_t end = text.find('>');
  if (end == std::string_view::npos || end < 2 || end > 4) return std::nullopt;
  const auto number = parse_number<unsigned>(text.substr(1, end - 1));
  if (!number.ok() || *number > 191) return std::nullopt;
  text.remove_prefix(end + 1);
  return *number;
}

void put_priority(MapBuilder& record, std::optional<unsigned> priority) {
  if (!priority) return;
  record.text("facility", kFacilities[*priority / 8]);
  record.text("severity", kSeverities[*priority % 8]);
}

// One element, [id name="value" ...], the bracket open already; its end is taken off.
Result<> read_element(std::string_view& text, MapBuilder& data) {
  const std::size_t id_end = text.find_first_of(" ]");
  if (id_end == std::string_view::npos || id_end == 0) return no_syslog("structured data");
  const std::string_view id = text.substr(0, id_end);
  text.remove_prefix(id_end);
  MapBuilder pairs;
  std::string value;
  while (text.starts_with(' ')) {
    text.remove_prefix(1);
    const std::size_t equals = text.find("=\"");
    if (equals == std::string_view::npos || equals == 0 || text.find(']') < equals)
      return no_syslog("structured data");
    const std::string_view name = text.substr(0, equals);
    text.remove_prefix(equals + 2);
    value.clear();
    std::size_t at = 0;
    for (; at < text.size() && text[at] != '"'; ++at) {
      const bool escapes = text[at] == '\\' && at + 1 < text.size() &&
                           std::string_view("\"\\]").find(text[at + 1]) != std::string_view::npos;
      if (escapes) ++at;
      value.push_back(text[at]);
    }
    if (at >= text.size()) return no_syslog("structured data does not end");
    text.remove_prefix(at + 1);
    pairs.text(name, value);
  }
  if (!text.starts_with(']')) return no_syslog("structured data");
  text.remove_prefix(1);
  data.key(id).raw(pairs.finish());
  return {};
}

Result<> read_structured_data(std::string_view& text, MapBuilder& record) {
  if (text.starts_with(kNil)) {
    text.remove_prefix(1);
  } else {
    MapBuilder data;
    while (text.starts_with('[')) {
      text.remove_prefix(1);
      TRY(read_element(text, data));
      if (data.count() > kMostElements) return no_syslog("too much structured data");
    }
    if (data.count() == 0) return no_syslog("structured data");
    record.key("structured_data").raw(data.finish());
  }
  if (text.starts_with(' ')) text.remove_prefix(1);
  return {};
}

// Behind "<34>1 ".
Result<Parsed> parse_5424(std::string_view text, unsigned priority, EventTime received) {
  MapBuilder record;
  record.reserve(text.size() + 128);
  put_priority(record, priority);
  Parsed parsed;
  std::string_view time = next_word(text);
  if (time != kNil) {
    parsed.time = TRY(read_iso8601(time, received, {}));
    if (!time.empty()) return no_syslog("its time");
  }
  for (const std::string_view key : {"hostname", "appname", "procid", "msgid"}) {
    const std::string_view word = next_word(text);
    if (word.empty()) return no_syslog("it has no " + std::string(key));
    put(record, key, word);
  }
  TRY(read_structured_data(text, record));
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  record.text("message", text);
  parsed.record = record.finish();
  return parsed;
}

// "Nov  2 09:40:01 " or a time of ISO 8601 and a blank; left alone where there is none.
std::optional<EventTime> take_time(std::string_view& text, EventTime received, Zone zone) {
  static const Result<TimeFormat> old = TimeFormat::parse("%b %e %H:%M:%S");
  std::string_view rest = text;
  Result<EventTime> time = !rest.empty() && is_digit(rest.front())
                               ? read_iso8601(rest, received, zone)
                               : old->read_front(rest, received, zone);
  if (!time.ok() || (!rest.empty() && rest.front() != ' ')) return std::nullopt;
  if (!rest.empty()) rest.remove_prefix(1);
  text = rest;
  return *time;
}

// "sshd[24200]: " or "kernel: "; left alone where there is none.
void take_tag(std::string_view& text, MapBuilder& record) {
  const std::size_t end = text.find_first_of(" :[");
  if (end == std::string_view::npos || end == 0 || end > kLongestTagName || text[end] == ' ')
    return;
  std::string_view rest = text.substr(end);
  std::string_view process;
  if (rest.front() == '[') {
    const std::size_t close = rest.find(']');
    if (close == std::string_view::npos || close > kLongestTagName) return;
    process = rest.substr(1, close - 1);
    rest.remove_prefix(close + 1);
  }
  if (!rest.starts_with(':')) return;
  rest.remove_prefix(1);
  if (rest.starts_with(' ')) rest.remove_prefix(1);
  record.text("appname", text.substr(0, end));
  put(record, "procid", process);
  text = rest;
}

Result<Parsed> parse_3164(std::string_view text, std::optional<unsigned> priority,
                          EventTime received, Zone zone) {
  MapBuilder record;
  record.reserve(text.size() + 64);
  put_priority(record, priority);
  Parsed parsed;
  parsed.time = take_time(text, received, zone);
  if (!priority && !parsed.time) return no_syslog("neither a priority nor a time at its beginning");
  // A word that is no tag is the host; senders on the same machine leave it out.
  const std::string_view first = text.substr(0, text.find(' '));
  const bool is_tag = first.empty() || first.ends_with(':') ||
                      (first.find('[') != std::string_view::npos && !first.starts_with('['));
  if (parsed.time && !is_tag && first.size() < text.size())
    put(record, "hostname", next_word(text));
  take_tag(text, record);
  record.text("message", text);
  parsed.record = record.finish();
  return parsed;
}

}  // namespace

Result<Parsed> parse_syslog(std::string_view text, EventTime received, Zone zone) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == '\0'))
    text.remove_suffix(1);
  const std::optional<unsigned> priority = take_priority(text);
  if (priority && text.starts_with("1 ")) return parse_5424(text.substr(2), *priority, received);
  return parse_3164(text, priority, received, zone);
}

}  // namespace quern::logs
