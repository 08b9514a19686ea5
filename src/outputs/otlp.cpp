// Logs over OTLP/HTTP as JSON (https://opentelemetry.io/docs/specs/otlp/#otlphttp). The line is the
// body, the other fields are attributes; severity and the ids of traces are where that model has
// them.
#include "base/base64.hpp"
#include "base/text.hpp"

#include "logs/json.hpp"
#include "logs/msgpack.hpp"
#include "logs/pairs.hpp"
#include "logs/record.hpp"
#include "outputs/http_post.hpp"
#include "outputs/makers.hpp"

#include <array>
#include <atomic>
#include <charconv>
#include <cmath>

namespace quern::outputs {
namespace {

using logs::Batch;
using logs::Entry;
using logs::Pair;
using logs::Pairs;
using logs::msgpack::Reader;
using logs::msgpack::Token;
using logs::msgpack::Type;

Result<> append_value(Reader& reader, std::size_t depth, std::string& out);

Result<> append_array(Reader& reader, std::uint32_t count, std::size_t depth, std::string& out) {
  out += "{\"arrayValue\":{\"values\":[";
  for (std::uint32_t at = 0; at < count; ++at) {
    if (at > 0) out.push_back(',');
    TRY(append_value(reader, depth, out));
  }
  out += "]}}";
  return {};
}

Result<> append_key(Reader& reader, std::string& out) {
  const ByteView key = TRY(reader.skip());
  const auto text = logs::text_of(key);
  std::string json;
  if (!text) TRY(logs::msgpack::to_json(key, json));
  out += "{\"key\":";
  logs::msgpack::json_text(text ? *text : std::string_view(json), out);
  out += ",\"value\":";
  return {};
}

Result<> append_map(Reader& reader, std::uint32_t count, std::size_t depth, std::string& out) {
  out += "{\"kvlistValue\":{\"values\":[";
  for (std::uint32_t at = 0; at < count; ++at) {
    if (at > 0) out.push_back(',');
    TRY(append_key(reader, out));
    TRY(append_value(reader, depth, out));
    out.push_back('}');
  }
  out += "]}}";
  return {};
}

void append_double(double value, std::string& out) {
  out += "{\"doubleValue\":";
  if (std::isfinite(value)) {
    std::array<char, 32> digits{};
    out.append(digits.data(),
               std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
  } else {
    // As JSON of protocol buffers has them.
    out += std::isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  }
  out.push_back('}');
}

// One object as an AnyValue. `depth` levels are left.
Result<> append_value(Reader& reader, std::size_t depth, std::string& out) {
  if (depth == 0) return fail(ErrorKind::unsupported, "a record is too deep for JSON");
  const Token token = TRY(reader.next());
  switch (token.type) {
    case Type::nil: out += "{}"; break;
    case Type::boolean:
      out += token.truth ? "{\"boolValue\":true}" : "{\"boolValue\":false}";
      break;
    case Type::natural:
      if (token.natural > static_cast<std::uint64_t>(INT64_MAX)) {
        append_double(static_cast<double>(token.natural), out);
      } else {
        out += "{\"intValue\":\"" + std::to_string(token.natural) + "\"}";
      }
      break;
    case Type::negative: out += "{\"intValue\":\"" + std::to_string(token.negative) + "\"}"; break;
    case Type::floating: append_double(token.floating, out); break;
    case Type::string:
      out += "{\"stringValue\":";
      logs::msgpack::json_text(as_text(token.bytes), out);
      out.push_back('}');
      break;
    case Type::binary:
    case Type::extension: out += "{\"bytesValue\":\"" + to_base64(token.bytes) + "\"}"; break;
    case Type::array: return append_array(reader, token.count, depth - 1, out);
    case Type::map: return append_map(reader, token.count, depth - 1, out);
  }
  return {};
}

// https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber; 0: unknown.
unsigned severity_number(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, unsigned>, 18> kWords{{{"trace", 1},
                                                                                 {"debug", 5},
                                                                                 {"info", 9},
                                                                                 {"information", 9},
                                                                                 {"notice", 10},
                                                                                 {"warn", 13},
                                                                                 {"warning", 13},
                                                                                 {"err", 17},
                                                                                 {"error", 17},
                                                                                 {"severe", 17},
                                                                                 {"crit", 21},
                                                                                 {"critical", 21},
                                                                                 {"fatal", 21},
                                                                                 {"failure", 17},
                                                                                 {"alert", 22},
                                                                                 {"emerg", 23},
                                                                                 {"emergency", 23},
                                                                                 {"panic", 23}}};
  for (const auto& [word, number] : kWords) {
    if (equal_ignoring_case(text, word)) return number;
  }
  return 0;
}

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits &&
         text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

struct OtlpOptions {
  std::vector<std::pair<std::string, std::string>> resource;
  std::string severity_key;  // empty: "severity" or "level"
};

class OtlpOutput final : public logs::Output {
 public:
  OtlpOutput(HttpPost post, OtlpOptions options)
      : post_(std::move(post)), options_(std::move(options)) {
    post_.watch([this](std::string_view answer) { rejected_ += rejected_in(answer); });
  }

  Result<Batch> deliver(const Batch& batch, const std::stop_token& stop) override {
    return post_.deliver(
        batch, "application/json",
        [&](std::span<const Entry> entries, Batch& dead) { return body(entries, dead); }, stop);
  }

  // Which ones the collector does not say, and it may not be asked again.
  std::vector<logs::Figure> figures() const override {
    return {{.name = "output_otlp_rejected_total", .value = static_cast<double>(rejected_.load())}};
  }

 private:
  static std::uint64_t rejected_in(std::string_view answer) {
    Buffer object;
    if (!logs::from_json(answer, object).ok()) return 0;
    const auto count = logs::field(object, "partialSuccess.rejectedLogRecords");
    if (!count) return 0;
    // 64 bits are text in JSON of protocol buffers.
    if (const auto text = logs::text_of(*count))
      return parse_number<std::uint64_t>(*text).ok() ? *parse_number<std::uint64_t>(*text) : 0;
    const Result<Token> number = Reader(*count).next();
    return number.ok() && number->type == Type::natural ? number->natural : 0;
  }

  std::string body(std::span<const Entry> entries, Batch& dead) const {
    std::string records;
    for (const Entry& entry : entries) {
      const std::size_t before = records.size();
      const Result<> written = append_record(entry, records);
      if (written.ok()) {
        records.push_back(',');
      } else {
        records.resize(before);
        mark_dead(dead, entry, post_.stage(), written.error().describe());
      }
    }
    if (records.empty()) return {};
    records.pop_back();
    std::string text = "{\"resourceLogs\":[{\"resource\":{\"attributes\":[";
    for (const auto& [name, value] : options_.resource) {
      if (text.back() == '}') text.push_back(',');
      append_text(name, value, text);
    }
    text += "]},\"scopeLogs\":[{\"scope\":{\"name\":\"quern\"},\"logRecords\":[";
    return text + records + "]}]}]}";
  }

  static void append_text(std::string_view name, std::string_view value, std::string& out) {
    out += "{\"key\":";
    logs::msgpack::json_text(name, out);
    out += ",\"value\":{\"stringValue\":";
    logs::msgpack::json_text(value, out);
    out += "}}";
  }

  std::string_view severity_key(ByteView record) const {
    if (!options_.severity_key.empty()) return options_.severity_key;
    return logs::text_field(record, "severity") ? "severity" : "level";
  }

  Result<> append_record(const Entry& entry, std::string& out) const {
    const std::string time =
        std::to_string(std::uint64_t{entry.time.seconds} * 1'000'000'000U + entry.time.nanoseconds);
    out += "{\"timeUnixNano\":\"" + time + "\",\"observedTimeUnixNano\":\"" + time + "\"";
    const std::string_view level = severity_key(entry.record);
    if (const auto severity = logs::text_field(entry.record, level)) {
      if (const unsigned number = severity_number(*severity); number > 0)
        out += ",\"severityNumber\":" + std::to_string(number);
      out += ",\"severityText\":";
      logs::msgpack::json_text(*severity, out);
    }
    const std::string_view line = logs::line_key(entry.record);
    if (!line.empty()) {
      out += ",\"body\":{\"stringValue\":";
      logs::msgpack::json_text(*logs::text_field(entry.record, line), out);
      out += "}";
    }
    out += ",\"attributes\":[";
    append_text("log.tag", entry.tag, out);
    std::string ids;
    Pairs pairs = TRY(Pairs::of(entry.record));
    while (const std::optional<Pair> pair = TRY(pairs.next())) {
      const bool known = !pair->key.empty() && (pair->key == line || pair->key == level);
      if ((known && logs::text_of(pair->value)) || is_id(*pair, ids)) continue;
      out.push_back(',');
      Reader key(pair->key_bytes);
      TRY(append_key(key, out));
      Reader value(pair->value);
      TRY(append_value(value, logs::msgpack::kDeepest, out));
      out.push_back('}');
    }
    out += "]" + ids + "}";
    return {};
  }

  // The ids of a trace go where OTLP has them.
  static bool is_id(const Pair& pair, std::string& ids) {
    const auto text = logs::text_of(pair.value).value_or("");
    if (pair.key == "trace_id" && is_hex(text, 32)) {
      ids += ",\"traceId\":\"" + std::string(text) + "\"";
      return true;
    }
    if (pair.key == "span_id" && is_hex(text, 16)) {
      ids += ",\"spanId\":\"" + std::string(text) + "\"";
      return true;
    }
    return false;
  }

  HttpPost post_;
  const OtlpOptions options_;
  std::atomic<std::uint64_t> rejected_{0};
};

}  // namespace

Made make_otlp(Settings& settings, const logs::StageWorld& world) {
  HttpPost post = TRY(HttpPost::read(settings, world, "/v1/logs"));
  OtlpOptions options{.resource = TRY(settings.pairs("resource")),
                      .severity_key = TRY(settings.text_or("severity_key", ""))};
  if (options.resource.empty()) options.resource.emplace_back("service.name", "quern");
  return std::unique_ptr<logs::Output>(
      std::make_unique<OtlpOutput>(std::move(post), std::move(options)));
}

}  // namespace quern::outputs
