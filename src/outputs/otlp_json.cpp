// OTLP as JSON: field names of protocol buffers in lowerCamelCase, 64 bits and ids as text
// (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
#include "base/base64.hpp"
#include "base/text.hpp"

#include "logs/json.hpp"
#include "logs/msgpack.hpp"
#include "logs/record.hpp"
#include "outputs/otlp_record.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace quern::outputs {
namespace {

using logs::Pair;
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

void append_text(std::string_view name, std::string_view value, std::string& out) {
  out += "{\"key\":";
  logs::msgpack::json_text(name, out);
  out += ",\"value\":{\"stringValue\":";
  logs::msgpack::json_text(value, out);
  out += "}}";
}

class JsonForm final : public OtlpForm {
 public:
  std::string_view content_type() const override { return "application/json"; }

  Result<> append(const OtlpRecord& record, std::string& out) const override {
    if (!out.empty()) out.push_back(',');
    const std::string time = std::to_string(record.time_ns);
    out += "{\"timeUnixNano\":\"" + time + "\",\"observedTimeUnixNano\":\"" + time + "\"";
    if (record.severity_number > 0)
      out += ",\"severityNumber\":" + std::to_string(record.severity_number);
    if (record.severity) {
      out += ",\"severityText\":";
      logs::msgpack::json_text(*record.severity, out);
    }
    if (record.body) {
      out += ",\"body\":{\"stringValue\":";
      logs::msgpack::json_text(*record.body, out);
      out += "}";
    }
    out += ",\"attributes\":[";
    append_text(kOtlpTag, record.tag, out);
    for (const Pair& pair : record.attributes) {
      out.push_back(',');
      Reader key(pair.key_bytes);
      TRY(append_key(key, out));
      Reader value(pair.value);
      TRY(append_value(value, logs::msgpack::kDeepest, out));
      out.push_back('}');
    }
    out += "]";
    if (!record.trace_id.empty()) out += ",\"traceId\":\"" + std::string(record.trace_id) + "\"";
    if (!record.span_id.empty()) out += ",\"spanId\":\"" + std::string(record.span_id) + "\"";
    out += "}";
    return {};
  }

  std::string request(const Resource& resource, std::string_view records) const override {
    std::string text = "{\"resourceLogs\":[{\"resource\":{\"attributes\":[";
    for (const auto& [name, value] : resource) {
      if (text.back() == '}') text.push_back(',');
      append_text(name, value, text);
    }
    text += "]},\"scopeLogs\":[{\"scope\":{\"name\":\"" + std::string(kOtlpScope) +
            "\"},\"logRecords\":[";
    return text.append(records) + "]}]}]}";
  }

  std::uint64_t rejected(std::string_view answer) const override {
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
};

}  // namespace

std::unique_ptr<OtlpForm> make_otlp_json() { return std::make_unique<JsonForm>(); }

}  // namespace quern::outputs
