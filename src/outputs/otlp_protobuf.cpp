// OTLP as protocol buffers
// (https://github.com/open-telemetry/opentelemetry-proto/tree/main/opentelemetry/proto/logs/v1). A
// field is its number and kind in a varint, then a varint, eight or four bytes, or a length and so
// many bytes (https://protobuf.dev/programming-guides/encoding/).
#include "base/bytes.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"

#include "logs/msgpack.hpp"
#include "outputs/otlp_record.hpp"

#include <algorithm>
#include <bit>

namespace quern::outputs {
namespace {

using logs::Pair;
using logs::msgpack::Reader;
using logs::msgpack::Token;
using logs::msgpack::Type;

constexpr unsigned kVarint = 0;
constexpr unsigned kFixed64 = 1;
constexpr unsigned kBytes = 2;
constexpr unsigned kFixed32 = 5;

void put_varint(std::uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7U) out += static_cast<char>((value & 0x7fU) | 0x80U);
  out += static_cast<char>(value);
}
void put_key(unsigned field, unsigned kind, std::string& out) {
  put_varint(field << 3U | kind, out);
}
void put_number(unsigned field, std::uint64_t value, std::string& out) {
  put_key(field, kVarint, out);
  put_varint(value, out);
}
void put_fixed64(unsigned field, std::uint64_t value, std::string& out) {
  put_key(field, kFixed64, out);
  for (int i = 0; i < 8; ++i, value >>= 8U) out += static_cast<char>(value & 0xffU);
}
void put_bytes(unsigned field, std::string_view bytes, std::string& out) {
  put_key(field, kBytes, out);
  put_varint(bytes.size(), out);
  out += bytes;
}

// With U+FFFD for what is no UTF-8.
std::string mended(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t bytes = first_character(text).bytes;
    bytes == 0 ? out += "\xef\xbf\xbd" : out += text.substr(0, bytes);
    text.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
  return out;
}

// A text must be UTF-8, or a collector refuses the whole request.
void put_text(unsigned field, std::string_view text, std::string& out) {
  is_utf8(text) ? put_bytes(field, text, out) : put_bytes(field, mended(text), out);
}

Result<> append_value(Reader& reader, std::size_t depth, std::string& out);

std::string key_of(ByteView key) {
  if (const auto text = logs::text_of(key)) return std::string(*text);
  std::string json;
  return logs::msgpack::to_json(key, json).ok() ? json : std::string();
}

// An ArrayValue or a KeyValueList.
Result<> append_list(Reader& reader, const Token& list, std::size_t depth, std::string& out) {
  std::string values;
  std::string one;
  for (std::uint32_t at = 0; at < list.count; ++at) {
    one.clear();
    if (list.type == Type::array) {
      TRY(append_value(reader, depth, one));
    } else {
      put_text(1, key_of(TRY(reader.skip())), one);
      std::string value;
      TRY(append_value(reader, depth, value));
      put_bytes(2, value, one);
    }
    put_bytes(1, one, values);
  }
  put_bytes(list.type == Type::array ? 5 : 6, values, out);
  return {};
}

// The fields of an AnyValue. `depth` levels are left.
Result<> append_value(Reader& reader, std::size_t depth, std::string& out) {
  if (depth == 0) return fail(ErrorKind::unsupported, "a record is too deep for OTLP");
  const Token token = TRY(reader.next());
  const auto floating = [&](double value) {
    put_fixed64(4, std::bit_cast<std::uint64_t>(value), out);
  };
  switch (token.type) {
    case Type::nil: break;  // an empty value
    case Type::string: put_text(1, as_text(token.bytes), out); break;
    case Type::boolean: put_number(2, token.truth ? 1 : 0, out); break;
    case Type::natural:
      if (token.natural > static_cast<std::uint64_t>(INT64_MAX)) {
        floating(static_cast<double>(token.natural));
      } else {
        put_number(3, token.natural, out);
      }
      break;
    case Type::negative: put_number(3, static_cast<std::uint64_t>(token.negative), out); break;
    case Type::floating: floating(token.floating); break;
    case Type::binary:
    case Type::extension: put_bytes(7, as_text(token.bytes), out); break;
    case Type::array:
    case Type::map: return append_list(reader, token, depth - 1, out);
  }
  return {};
}

// A KeyValue of two texts, as field `field`.
void put_attribute(unsigned field, std::string_view key, std::string_view text, std::string& out) {
  std::string value;
  put_text(1, text, value);
  std::string pair;
  put_text(1, key, pair);
  put_bytes(2, value, pair);
  put_bytes(field, pair, out);
}

std::string from_hex(std::string_view digits) {
  const auto half = [](char c) {
    return static_cast<unsigned>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes += static_cast<char>(half(digits[i]) << 4U | half(digits[i + 1]));
  return bytes;
}

// What an answer says: enough of protobuf to find one number. Of a collector, so believed in
// nothing: what is no message says 0.
struct Field {
  std::uint64_t number = 0;
  std::uint64_t value = 0;
  std::string_view bytes;
};

bool take_varint(std::string_view& from, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !from.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(from.front());
    from.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool take_field(std::string_view& from, Field& field) {
  std::uint64_t key = 0;
  if (!take_varint(from, key)) return false;
  field = {.number = key >> 3U};
  switch (key & 7U) {
    case kVarint: return take_varint(from, field.value);
    case kFixed64: field.value = 8; break;
    case kFixed32: field.value = 4; break;
    case kBytes:
      if (!take_varint(from, field.value)) return false;
      break;
    default: return false;
  }
  if (field.value > from.size()) return false;
  field.bytes = from.substr(0, field.value);
  from.remove_prefix(field.value);
  return true;
}

class ProtobufForm final : public OtlpForm {
 public:
  std::string_view content_type() const override { return "application/x-protobuf"; }

  Result<> append(const OtlpRecord& record, std::string& out) const override {
    std::string log;
    put_fixed64(1, record.time_ns, log);
    if (record.severity_number > 0) put_number(2, record.severity_number, log);
    if (record.severity) put_text(3, *record.severity, log);
    if (record.body) {
      std::string value;
      put_text(1, *record.body, value);
      put_bytes(5, value, log);
    }
    put_attribute(6, kOtlpTag, record.tag, log);
    for (const Pair& pair : record.attributes) {
      std::string value;
      Reader reader(pair.value);
      TRY(append_value(reader, logs::msgpack::kDeepest, value));
      std::string both;
      put_text(1, key_of(pair.key_bytes), both);
      put_bytes(2, value, both);
      put_bytes(6, both, log);
    }
    if (!record.trace_id.empty()) put_bytes(9, from_hex(record.trace_id), log);
    if (!record.span_id.empty()) put_bytes(10, from_hex(record.span_id), log);
    put_fixed64(11, record.time_ns, log);
    put_bytes(2, log, out);  // of ScopeLogs
    return {};
  }

  std::string request(const Resource& resource, std::string_view records) const override {
    std::string attributes;
    for (const auto& [name, value] : resource) put_attribute(1, name, value, attributes);
    std::string name;
    put_text(1, kOtlpScope, name);
    std::string scope;
    put_bytes(1, name, scope);
    scope += records;
    std::string all;
    put_bytes(1, attributes, all);
    put_bytes(2, scope, all);
    std::string request;
    put_bytes(1, all, request);
    return request;
  }

  std::uint64_t rejected(std::string_view answer) const override {
    Field partial;
    while (take_field(answer, partial)) {
      Field field;
      while (partial.number == 1 && take_field(partial.bytes, field)) {
        if (field.number != 1 || !field.bytes.empty()) continue;
        return static_cast<std::int64_t>(field.value) < 0 ? 0 : field.value;
      }
    }
    return 0;
  }
};

}  // namespace

std::unique_ptr<OtlpForm> make_otlp_protobuf() { return std::make_unique<ProtobufForm>(); }

}  // namespace quern::outputs
