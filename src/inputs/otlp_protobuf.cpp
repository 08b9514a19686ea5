// The messages of logs in protobuf's binary form
// (https://protobuf.dev/programming-guides/encoding/), with the field numbers of
// opentelemetry/proto/logs/v1/logs.proto and common/v1/common.proto. Fields that are not known are
// passed over, as the form has it.
#include "inputs/otlp_records.hpp"
#include "logs/msgpack.hpp"

#include <bit>
#include <functional>
#include <optional>

namespace quern::inputs {
namespace {

using logs::msgpack::Writer;

enum class Wire : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

struct Field {
  std::uint64_t number = 0;
  Wire wire = Wire::varint;
  std::uint64_t integer = 0;
  ByteView bytes;

  std::string_view text() const { return as_text(bytes); }
};

Failure no_message(std::string_view why) {
  return fail(ErrorKind::corrupt_data, "no protobuf of logs: " + std::string(why));
}

// The fields of one message, in the order in which they stand there.
class Fields {
 public:
  explicit Fields(ByteView message) : rest_(message) {}

  Result<std::optional<Field>> next() {
    if (rest_.empty()) return std::optional<Field>();
    const std::uint64_t key = TRY(varint());
    Field field{.number = key >> 3U, .wire = static_cast<Wire>(key & 7U), .bytes = {}};
    switch (field.wire) {
      case Wire::varint: field.integer = TRY(varint()); break;
      case Wire::fixed64: field.integer = TRY(little_endian(8)); break;
      case Wire::fixed32: field.integer = TRY(little_endian(4)); break;
      case Wire::bytes: field.bytes = TRY(sized()); break;
      default: return no_message("a field of a form that is none");
    }
    return std::optional(field);
  }

 private:
  Result<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = std::to_integer<std::uint64_t>(rest_.front());
      rest_ = rest_.subspan(1);
      value |= (byte & 0x7fU) << shift;
      if (byte < 0x80) return value;
    }
    return no_message("it is cut off within a number");
  }
  Result<ByteView> sized() {
    const std::uint64_t size = TRY(varint());
    return take(size);
  }
  Result<ByteView> take(std::uint64_t size) {
    if (size > rest_.size()) return no_message("it is cut off");
    const ByteView taken = rest_.first(static_cast<std::size_t>(size));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  Result<std::uint64_t> little_endian(std::size_t size) {
    const ByteView bytes = TRY(take(size));
    std::uint64_t value = 0;
    for (std::size_t i = size; i-- > 0;)
      value = value << 8U | std::to_integer<std::uint64_t>(bytes[i]);
    return value;
  }

  ByteView rest_;
};

Result<> each_field(ByteView message, const std::function<Result<>(const Field&)>& take) {
  Fields fields(message);
  for (;;) {
    const std::optional<Field> field = TRY(fields.next());
    if (!field) return {};
    TRY(take(*field));
  }
}

std::string hex(ByteView bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes.first(std::min<std::size_t>(bytes.size(), 64))) {
    text += kDigits[std::to_integer<unsigned>(byte) >> 4U];
    text += kDigits[std::to_integer<unsigned>(byte) & 15U];
  }
  return text;
}

Result<> read_value(ByteView message, int depth, Buffer& out);

// KeyValue
Result<> read_pair(ByteView message, int depth, OtlpMap& map) {
  std::string_view key;
  Buffer value;
  TRY(each_field(message, [&](const Field& field) -> Result<> {
    if (field.number == 1) key = field.text();
    if (field.number != 2) return {};
    value.clear();
    return read_value(field.bytes, depth, value);
  }));
  if (value.empty()) Writer(value).nil();
  map.object(key, value);
  return {};
}

// ArrayValue
Result<> read_array(ByteView message, int depth, Buffer& out) {
  Buffer values;
  std::uint32_t count = 0;
  TRY(each_field(message, [&](const Field& field) -> Result<> {
    if (field.number != 1) return {};
    ++count;
    return read_value(field.bytes, depth, values);
  }));
  Writer writer(out);
  writer.array(count);
  writer.raw(values);
  return {};
}

// KeyValueList
Result<> read_list(ByteView message, int depth, Buffer& out) {
  OtlpMap map;
  TRY(each_field(message, [&](const Field& field) -> Result<> {
    return field.number == 1 ? read_pair(field.bytes, depth, map) : Result<>();
  }));
  Writer writer(out);
  writer.map(map.count);
  writer.raw(map.pairs);
  return {};
}

// AnyValue; of several that stand in it the last counts.
Result<> read_value(ByteView message, int depth, Buffer& out) {
  if (depth == 0) return no_message("values are nested too deep");
  const std::size_t begin = out.size();
  TRY(each_field(message, [&](const Field& field) -> Result<> {
    if (field.number < 1 || field.number > 7) return {};
    out.resize(begin);
    Writer writer(out);
    switch (field.number) {
      case 1: writer.string(field.text()); break;
      case 2: writer.boolean(field.integer != 0); break;
      case 3: writer.integer(static_cast<std::int64_t>(field.integer)); break;
      case 4: writer.floating(std::bit_cast<double>(field.integer)); break;
      case 5: return read_array(field.bytes, depth - 1, out);
      case 6: return read_list(field.bytes, depth - 1, out);
      default: writer.binary(field.bytes); break;
    }
    return {};
  }));
  if (out.size() == begin) Writer(out).nil();
  return {};
}

Result<OtlpLog> read_log(ByteView message) {
  OtlpLog log;
  TRY(each_field(message, [&](const Field& field) -> Result<> {
    switch (field.number) {
      case 1: log.time_ns = field.integer; break;
      case 2: log.severity_number = field.integer; break;
      case 3: log.severity_text = field.text(); break;
      case 5: log.body.clear(); return read_value(field.bytes, kOtlpDeepest, log.body);
      case 6: return read_pair(field.bytes, kOtlpDeepest, log.attributes);
      case 8: log.flags = field.integer; break;
      case 9: log.trace_id = hex(field.bytes); break;
      case 10: log.span_id = hex(field.bytes); break;
      case 11: log.observed_ns = field.integer; break;
      case 12: log.event_name = field.text(); break;
      default: break;
    }
    return {};
  }));
  return log;
}

Result<OtlpScope> read_scope(ByteView message) {
  OtlpScope scope;
  TRY(each_field(message, [&](const Field& field) -> Result<> {
    if (field.number == 1) scope.name = field.text();
    if (field.number == 2) scope.version = field.text();
    if (field.number == 3) return read_pair(field.bytes, kOtlpDeepest, scope.attributes);
    return {};
  }));
  return scope;
}

// ScopeLogs. What its records share may stand behind them.
Result<> read_scope_logs(ByteView message, const OtlpMap& resource, OtlpRecords& records) {
  OtlpScope scope;
  const Result<> found = each_field(message, [&](const Field& field) -> Result<> {
    if (field.number != 1) return {};
    scope = TRY(read_scope(field.bytes));
    return {};
  });
  TRY(found);
  return each_field(message, [&](const Field& field) -> Result<> {
    if (field.number != 2) return {};
    return records.add(resource, scope, TRY(read_log(field.bytes)));
  });
}

// ResourceLogs, likewise.
Result<> read_resource_logs(ByteView message, OtlpRecords& records) {
  OtlpMap resource;
  TRY(each_field(message, [&](const Field& field) -> Result<> {
    if (field.number != 1) return {};
    return each_field(field.bytes, [&](const Field& inner) -> Result<> {
      return inner.number == 1 ? read_pair(inner.bytes, kOtlpDeepest, resource) : Result<>();
    });
  }));
  return each_field(message, [&](const Field& field) -> Result<> {
    return field.number == 2 ? read_scope_logs(field.bytes, resource, records) : Result<>();
  });
}

}  // namespace

Result<> read_otlp_protobuf(ByteView message, OtlpRecords& records) {
  return each_field(message, [&](const Field& field) -> Result<> {
    return field.number == 1 ? read_resource_logs(field.bytes, records) : Result<>();
  });
}

}  // namespace quern::inputs
