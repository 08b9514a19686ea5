// The same messages as JSON (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding):
// read into msgpack first, and looked up in there.
#include "base/base64.hpp"
#include "base/text.hpp"

#include "inputs/otlp_records.hpp"
#include "logs/json.hpp"
#include "logs/msgpack.hpp"
#include "logs/record.hpp"

#include <functional>
#include <limits>

namespace quern::inputs {
namespace {

using logs::msgpack::Reader;
using logs::msgpack::Token;
using logs::msgpack::Type;
using logs::msgpack::Writer;

Failure no_message(std::string_view why) {
  return fail(ErrorKind::corrupt_data, "no JSON of logs: " + std::string(why));
}

// The objects in the list under `key`; none when it is absent.
Result<> each_in(ByteView map, std::string_view key,
                 const std::function<Result<>(ByteView)>& take) {
  const auto list = logs::field(map, key);
  if (!list) return {};
  Reader reader(*list);
  const Token token = TRY(reader.next());
  if (token.type == Type::nil) return {};
  if (token.type != Type::array) return no_message(std::string(key) + " is no list");
  for (std::uint32_t i = 0; i < token.count; ++i) {
    const ByteView object = TRY(reader.skip());
    TRY(take(object));
  }
  return {};
}

std::string text(ByteView map, std::string_view key) {
  return std::string(logs::text_field(map, key).value_or(""));
}

// 64 bits travel as text, and some senders write numbers.
Result<std::uint64_t> natural(ByteView map, std::string_view key) {
  const auto value = logs::field(map, key);
  if (!value) return std::uint64_t{0};
  const Token token = TRY(Reader(*value).next());
  if (token.type == Type::natural) return token.natural;
  if (token.type == Type::string) {
    if (token.bytes.empty()) return std::uint64_t{0};
    if (const auto number = parse_number<std::uint64_t>(as_text(token.bytes)); number.ok())
      return *number;
  }
  return no_message(std::string(key) + " is no number");
}

Result<> read_value(ByteView value, int depth, Buffer& out);

Result<> read_pair(ByteView pair, int depth, OtlpMap& map) {
  Buffer value;
  if (const auto given = logs::field(pair, "value")) {
    TRY(read_value(*given, depth, value));
  } else {
    Writer(value).nil();
  }
  map.object(text(pair, "key"), value);
  return {};
}

Result<OtlpMap> read_pairs(ByteView map, std::string_view key, int depth) {
  OtlpMap all;
  TRY(each_in(map, key, [&](ByteView pair) { return read_pair(pair, depth, all); }));
  return all;
}

Result<> read_array(ByteView value, int depth, Buffer& out) {
  Buffer values;
  std::uint32_t count = 0;
  TRY(each_in(value, "values", [&](ByteView one) {
    ++count;
    return read_value(one, depth, values);
  }));
  Writer writer(out);
  writer.array(count);
  writer.raw(values);
  return {};
}

Result<> read_whole(ByteView value, Buffer& out) {
  const Token token = TRY(Reader(value).next());
  std::int64_t number = 0;
  if (token.type == Type::string) {
    const auto parsed = parse_number<std::int64_t>(as_text(token.bytes));
    if (!parsed.ok()) return no_message("an intValue is no number");
    number = *parsed;
  } else if (token.type == Type::natural && token.natural <= INT64_MAX) {
    number = static_cast<std::int64_t>(token.natural);
  } else if (token.type == Type::negative) {
    number = token.negative;
  } else {
    return no_message("an intValue is no number");
  }
  Writer(out).integer(number);
  return {};
}

Result<> read_double(ByteView value, Buffer& out) {
  const Token token = TRY(Reader(value).next());
  Writer writer(out);
  if (token.type != Type::string) {
    writer.raw(value);
  } else if (as_text(token.bytes) == "NaN") {
    writer.floating(std::numeric_limits<double>::quiet_NaN());
  } else {
    const double huge = std::numeric_limits<double>::infinity();
    writer.floating(as_text(token.bytes).starts_with('-') ? -huge : huge);
  }
  return {};
}

Result<> read_value(ByteView value, int depth, Buffer& out) {
  if (depth == 0) return no_message("values are nested too deep");
  Writer writer(out);
  if (const auto is_text = logs::field(value, "stringValue")) {
    writer.raw(*is_text);
  } else if (const auto truth = logs::field(value, "boolValue")) {
    writer.raw(*truth);
  } else if (const auto whole = logs::field(value, "intValue")) {
    return read_whole(*whole, out);
  } else if (const auto fraction = logs::field(value, "doubleValue")) {
    return read_double(*fraction, out);
  } else if (const auto bytes = logs::text_field(value, "bytesValue")) {
    writer.binary(TRY(from_base64(*bytes)));
  } else if (const auto array = logs::field(value, "arrayValue")) {
    return read_array(*array, depth - 1, out);
  } else if (const auto list = logs::field(value, "kvlistValue")) {
    const OtlpMap map = TRY(read_pairs(*list, "values", depth - 1));
    writer.map(map.count);
    writer.raw(map.pairs);
  } else {
    writer.nil();
  }
  return {};
}

Result<OtlpLog> read_log(ByteView record) {
  OtlpLog log{.time_ns = TRY(natural(record, "timeUnixNano")),
              .observed_ns = TRY(natural(record, "observedTimeUnixNano")),
              .severity_number = TRY(natural(record, "severityNumber")),
              .severity_text = text(record, "severityText"),
              .body = {},
              .attributes = TRY(read_pairs(record, "attributes", kOtlpDeepest)),
              .trace_id = to_lower(text(record, "traceId")),
              .span_id = to_lower(text(record, "spanId")),
              .flags = TRY(natural(record, "flags")),
              .event_name = text(record, "eventName")};
  if (const auto body = logs::field(record, "body")) TRY(read_value(*body, kOtlpDeepest, log.body));
  return log;
}

Result<> read_scope_logs(ByteView group, const OtlpMap& resource, OtlpRecords& records) {
  OtlpScope scope;
  if (const auto given = logs::field(group, "scope")) {
    scope = {.name = text(*given, "name"),
             .version = text(*given, "version"),
             .attributes = TRY(read_pairs(*given, "attributes", kOtlpDeepest))};
  }
  return each_in(group, "logRecords", [&](ByteView record) -> Result<> {
    if (!logs::is_map(record)) return no_message("a logRecord is no object");
    return records.add(resource, scope, TRY(read_log(record)));
  });
}

}  // namespace

Result<> read_otlp_json(std::string_view json, OtlpRecords& records) {
  Buffer request;
  TRY(logs::from_json(json, request));
  if (!logs::is_map(request)) return no_message("it is no object");
  return each_in(request, "resourceLogs", [&](ByteView group) -> Result<> {
    OtlpMap resource;
    if (const auto given = logs::field(group, "resource"))
      resource = TRY(read_pairs(*given, "attributes", kOtlpDeepest));
    return each_in(group, "scopeLogs",
                   [&](ByteView scope) { return read_scope_logs(scope, resource, records); });
  });
}

}  // namespace quern::inputs
