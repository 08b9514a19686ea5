#include "inputs/forward_message.hpp"

#include "base/unpack.hpp"

#include "logs/msgpack.hpp"
#include "logs/record.hpp"

#include <utility>

namespace quern::inputs {
namespace {

using logs::msgpack::Reader;
using logs::msgpack::Token;
using logs::msgpack::Type;
using logs::msgpack::Writer;

Failure no_message(std::string_view why) {
  return fail(ErrorKind::corrupt_data,
              "this is no message of the Forward protocol: " + std::string(why));
}

bool is_text(const Token& token) {
  return token.type == Type::string || token.type == Type::binary;
}

struct Options {
  std::string compressed;
  ByteView metadata;
};

// The next object is they.
Result<Options> read_options(Reader& reader, ForwardMessage& message) {
  Options options;
  const ByteView map = TRY(reader.skip());
  if (!logs::is_map(map)) return options;  // nil, of some senders
  if (const auto chunk = logs::text_field(map, "chunk")) message.chunk = std::string(*chunk);
  if (const auto how = logs::text_field(map, "compressed")) options.compressed = std::string(*how);
  if (const auto metadata = logs::field(map, "metadata"); metadata && logs::is_map(*metadata))
    options.metadata = *metadata;
  if (const auto signal = logs::field(map, "fluent_signal")) {
    const Token token = TRY(Reader(*signal).next());
    if (token.type != Type::natural || token.natural != 0)
      message.signal = ForwardMessage::Signal::others;
  }
  return options;
}

// [tag, time, record, options]
Result<> read_one(Reader& reader, ByteView time, std::uint32_t left, ForwardMessage& message) {
  if (left == 0) return no_message("a time without a record");
  const ByteView record = TRY(reader.skip());
  Options options;
  if (left > 1) options = TRY(read_options(reader, message));
  Writer writer(message.held);
  writer.array(2);
  if (!options.metadata.empty()) {
    writer.array(2);
    writer.raw(time);
    writer.raw(options.metadata);
  } else {
    writer.raw(time);
  }
  writer.raw(record);
  message.entries = message.held;
  return {};
}

// [tag, entries as bytes, options]
Result<> read_packed(Reader& reader, ByteView entries, std::uint32_t left,
                     ForwardMessage& message) {
  Options options;
  if (left > 0) options = TRY(read_options(reader, message));
  message.entries = entries;
  if (options.compressed.empty() || options.compressed == "text") return {};
  if (options.compressed != "gzip") {
    return fail(ErrorKind::unsupported,
                "a message is packed with " + options.compressed.substr(0, 40) + "; gzip is known");
  }
  message.packed = true;
  return {};
}

// [tag, [entry, ...], options]; `array` has its header, which is passed over here.
Result<> read_list(Reader& reader, ByteView array, std::uint32_t left, ForwardMessage& message) {
  if (left > 0) TRY(read_options(reader, message));
  Reader inner(array);
  TRY(inner.next());
  message.entries = array.subspan(inner.position());
  return {};
}

}  // namespace

Result<std::optional<ForwardMessage>> parse_forward(ByteView bytes) {
  Reader reader(bytes);
  const Token whole = TRY(reader.next());
  if (whole.type == Type::nil) return std::optional<ForwardMessage>();
  if (whole.type != Type::array || whole.count < 2) return no_message("no array of two or more");
  ForwardMessage message;
  const Token tag = TRY(reader.next());
  if (!is_text(tag)) return no_message("its tag is no text");
  if (tag.bytes.size() > logs::kLongestTag) return no_message("its tag is longer than 256 bytes");
  message.tag = std::string(as_text(tag.bytes));
  const ByteView second = TRY(reader.skip());
  const std::uint32_t left = whole.count - 2;
  const Token kind = TRY(Reader(second).next());
  switch (kind.type) {
    case Type::array: TRY(read_list(reader, second, left, message)); break;
    case Type::string:
    case Type::binary: TRY(read_packed(reader, kind.bytes, left, message)); break;
    case Type::natural:
    case Type::floating:
    case Type::extension: TRY(read_one(reader, second, left, message)); break;
    default: return no_message("behind its tag stand neither entries nor a time");
  }
  return std::optional(std::move(message));
}

Result<> unpack_entries(ForwardMessage& message, Bytes largest) {
  if (!message.packed) return {};
  message.held = TRY(unpack(message.entries, largest));
  message.entries = message.held;
  message.packed = false;
  return {};
}

Result<EntryCounts> each_batch(const ForwardMessage& message,
                               const std::function<Result<>(logs::Batch)>& give) {
  EntryCounts counts;
  logs::Batch batch;
  Reader reader(message.entries);
  while (!reader.done()) {
    const Result<ByteView> entry = reader.skip();
    if (!entry.ok()) {  // and what follows cannot be told apart
      ++counts.refused;
      break;
    }
    batch.add_packed(message.tag, *entry).ok() ? ++counts.taken : ++counts.refused;
    if (batch.full()) TRY(give(std::exchange(batch, {})));
  }
  if (!batch.empty()) TRY(give(std::move(batch)));
  return counts;
}

}  // namespace quern::inputs
