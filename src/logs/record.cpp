#include "logs/record.hpp"

#include "logs/msgpack.hpp"

#include <array>
#include <initializer_list>

namespace quern::logs {
namespace {

using msgpack::Reader;
using msgpack::Token;
using msgpack::Type;
using msgpack::Writer;

// A pair of a map, as bytes.
struct Pair {
  std::string_view key;  // empty for keys that are no text
  ByteView key_bytes;
  ByteView value;
};

bool is_text(const Token& token) {
  return token.type == Type::string || token.type == Type::binary;
}

std::optional<std::string_view> text_of(ByteView object) {
  Reader reader(object);
  const Result<Token> token = reader.next();
  if (!token.ok() || !is_text(*token)) return std::nullopt;
  return as_text(token->bytes);
}

// The pairs of a map, in order.
class Pairs {
 public:
  static Result<Pairs> of(ByteView record) {
    Reader reader(record);
    const Token map = TRY(reader.next());
    if (map.type != Type::map) return fail(ErrorKind::corrupt_data, "a record is no map");
    return Pairs(reader, map.count);
  }
  std::uint32_t left() const { return left_; }
  Result<std::optional<Pair>> next() {
    if (left_ == 0) return std::optional<Pair>();
    --left_;
    Pair pair;
    pair.key_bytes = TRY(reader_.skip());
    pair.key = text_of(pair.key_bytes).value_or(std::string_view());
    pair.value = TRY(reader_.skip());
    return std::optional(pair);
  }

 private:
  Pairs(Reader reader, std::uint32_t count) : reader_(reader), left_(count) {}
  Reader reader_;
  std::uint32_t left_;
};

std::optional<ByteView> own_field(ByteView record, std::string_view key) {
  Result<Pairs> pairs = Pairs::of(record);
  if (!pairs.ok()) return std::nullopt;
  while (true) {
    const auto pair = pairs->next();
    if (!pair.ok() || !*pair) return std::nullopt;
    if ((*pair)->key == key) return (*pair)->value;
  }
}

// Writes the pairs that are kept, then the header before them, once their number is known.
class NewMap {
 public:
  void pair(ByteView key, ByteView value) {
    Writer writer(pairs_);
    writer.raw(key);
    writer.raw(value);
    ++count_;
  }
  void pair(std::string_view key, ByteView value) {
    Writer writer(pairs_);
    writer.string(key);
    writer.raw(value);
    ++count_;
  }
  Buffer finish() {
    Buffer map;
    map.reserve(pairs_.size() + 5);
    Writer writer(map);
    writer.map(count_);
    writer.raw(pairs_);
    return map;
  }

 private:
  Buffer pairs_;
  std::uint32_t count_ = 0;
};

}  // namespace

bool is_map(ByteView object) {
  Reader reader(object);
  const Result<Token> token = reader.next();
  return token.ok() && token->type == Type::map;
}

std::optional<ByteView> field(ByteView record, std::string_view key) {
  if (const auto found = own_field(record, key)) return found;
  for (std::size_t dot = key.find('.'); dot != std::string_view::npos;
       dot = key.find('.', dot + 1)) {
    const auto inner = own_field(record, key.substr(0, dot));
    if (!inner) continue;
    if (const auto found = field(*inner, key.substr(dot + 1))) return found;
  }
  return std::nullopt;
}

std::optional<std::string_view> text_field(ByteView record, std::string_view key) {
  const auto found = field(record, key);
  return found ? text_of(*found) : std::nullopt;
}

std::optional<std::string_view> line_of(ByteView record) {
  static constexpr std::array<std::string_view, 5> kNames{"log", "message", "msg", "MESSAGE",
                                                          "body"};
  for (const std::string_view name : kNames) {
    if (const auto found = own_field(record, name)) {
      if (const auto text = text_of(*found)) return text;
    }
  }
  Result<Pairs> pairs = Pairs::of(record);
  while (pairs.ok()) {
    const auto pair = pairs->next();
    if (!pair.ok() || !*pair) break;
    if (const auto text = text_of((*pair)->value)) return text;
  }
  return std::nullopt;
}

Result<Buffer> with_field(ByteView record, std::string_view key, ByteView value) {
  Pairs pairs = TRY(Pairs::of(record));
  NewMap map;
  bool placed = false;
  while (const std::optional<Pair> pair = TRY(pairs.next())) {
    const bool same = pair->key == key && !pair->key_bytes.empty();
    if (same && placed) continue;
    map.pair(pair->key_bytes, same ? value : pair->value);
    placed = placed || same;
  }
  if (!placed) map.pair(key, value);
  return map.finish();
}

Result<Buffer> with_text(ByteView record, std::string_view key, std::string_view value) {
  Buffer object;
  Writer(object).string(value);
  return with_field(record, key, object);
}

Result<Buffer> without_field(ByteView record, std::string_view key) {
  Pairs pairs = TRY(Pairs::of(record));
  NewMap map;
  while (const std::optional<Pair> pair = TRY(pairs.next())) {
    if (pair->key != key) map.pair(pair->key_bytes, pair->value);
  }
  return map.finish();
}

Result<Buffer> merged(ByteView record, ByteView more) {
  Pairs pairs = TRY(Pairs::of(record));
  Pairs winners = TRY(Pairs::of(more));
  NewMap map;
  while (const std::optional<Pair> pair = TRY(pairs.next())) {
    if (pair->key.empty() || !own_field(more, pair->key)) map.pair(pair->key_bytes, pair->value);
  }
  while (const std::optional<Pair> pair = TRY(winners.next())) {
    map.pair(pair->key_bytes, pair->value);
  }
  return map.finish();
}

void line_record(std::string_view key, std::string_view line, Buffer& into) {
  Writer writer(into);
  writer.map(1);
  writer.string(key);
  writer.string(line);
}

}  // namespace quern::logs
