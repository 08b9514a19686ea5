// The pairs of a msgpack map, one after the other, as bytes.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include "logs/msgpack.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace quern::logs {

struct Pair {
  std::string_view key;  // empty for keys that are no text
  ByteView key_bytes;    // msgpack
  ByteView value;        // msgpack
};

// What a string or binary says; nothing for other objects.
inline std::optional<std::string_view> text_of(ByteView object) {
  msgpack::Reader reader(object);
  const Result<msgpack::Token> token = reader.next();
  const bool text =
      token.ok() && (token->type == msgpack::Type::string || token->type == msgpack::Type::binary);
  return text ? std::optional(as_text(token->bytes)) : std::nullopt;
}

// The views live as long as the record.
class Pairs {
 public:
  // corrupt_data: it is no map.
  static Result<Pairs> of(ByteView record) {
    msgpack::Reader reader(record);
    const msgpack::Token map = TRY(reader.next());
    if (map.type != msgpack::Type::map) return fail(ErrorKind::corrupt_data, "a record is no map");
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
  Pairs(msgpack::Reader reader, std::uint32_t count) : reader_(reader), left_(count) {}
  msgpack::Reader reader_;
  std::uint32_t left_;
};

}  // namespace quern::logs
