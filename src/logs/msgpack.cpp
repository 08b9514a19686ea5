#include "logs/msgpack.hpp"

#include <bit>
#include <cstring>
#include <limits>

namespace quern::logs::msgpack {
namespace {

Failure cut_off() { return fail(ErrorKind::corrupt_data, "the msgpack ends within an object"); }

Token of(Type type) { return {.type = type}; }

Token of_integer(std::int64_t value) {
  Token token = of(value < 0 ? Type::negative : Type::natural);
  if (value < 0) {
    token.negative = value;
  } else {
    token.natural = static_cast<std::uint64_t>(value);
  }
  return token;
}

}  // namespace

Result<std::uint64_t> Reader::big_endian(std::size_t size) {
  if (bytes_.size() - at_ < size) return cut_off();
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i)
    value = value << 8U | std::to_integer<std::uint64_t>(bytes_[at_++]);
  return value;
}

Result<ByteView> Reader::take(std::uint64_t size) {
  if (bytes_.size() - at_ < size) return cut_off();
  const ByteView taken = bytes_.subspan(at_, size);
  at_ += size;
  return taken;
}

Result<Token> Reader::bytes_of(Type type, std::size_t size_of_size) {
  const std::uint64_t size = TRY(big_endian(size_of_size));
  Token token = of(type);
  if (type == Type::extension) token.extension = static_cast<std::int8_t>(TRY(big_endian(1)));
  token.bytes = TRY(take(size));
  return token;
}

Result<Token> Reader::counted(Type type, std::uint64_t count) {
  // Each object has a byte at least.
  if (count * (type == Type::map ? 2 : 1) > bytes_.size() - at_) return cut_off();
  Token token = of(type);
  token.count = static_cast<std::uint32_t>(count);
  return token;
}

Result<Token> Reader::next() {
  const auto first = static_cast<unsigned>(TRY(big_endian(1)));
  if (first < 0x80) return of_integer(first);
  if (first < 0x90) return counted(Type::map, first & 0x0fU);
  if (first < 0xa0) return counted(Type::array, first & 0x0fU);
  if (first < 0xc0) {
    Token token = of(Type::string);
    token.bytes = TRY(take(first & 0x1fU));
    return token;
  }
  if (first >= 0xe0) return of_integer(static_cast<std::int8_t>(first));
  switch (first) {
    case 0xc0: return of(Type::nil);
    case 0xc2:
    case 0xc3: {
      Token token = of(Type::boolean);
      token.truth = first == 0xc3;
      return token;
    }
    case 0xc4:
    case 0xc5:
    case 0xc6: return bytes_of(Type::binary, 1U << (first - 0xc4));
    case 0xc7:
    case 0xc8:
    case 0xc9: return bytes_of(Type::extension, 1U << (first - 0xc7));
    case 0xca: {
      Token token = of(Type::floating);
      token.floating = std::bit_cast<float>(static_cast<std::uint32_t>(TRY(big_endian(4))));
      return token;
    }
    case 0xcb: {
      Token token = of(Type::floating);
      token.floating = std::bit_cast<double>(TRY(big_endian(8)));
      return token;
    }
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf: {
      Token token = of(Type::natural);
      token.natural = TRY(big_endian(1U << (first - 0xcc)));
      return token;
    }
    case 0xd0: return of_integer(static_cast<std::int8_t>(TRY(big_endian(1))));
    case 0xd1: return of_integer(static_cast<std::int16_t>(TRY(big_endian(2))));
    case 0xd2: return of_integer(static_cast<std::int32_t>(TRY(big_endian(4))));
    case 0xd3: return of_integer(static_cast<std::int64_t>(TRY(big_endian(8))));
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8: {
      Token token = of(Type::extension);
      token.extension = static_cast<std::int8_t>(TRY(big_endian(1)));
      token.bytes = TRY(take(std::uint64_t{1} << (first - 0xd4)));
      return token;
    }
    case 0xd9:
    case 0xda:
    case 0xdb: return bytes_of(Type::string, 1U << (first - 0xd9));
    case 0xdc:
    case 0xdd: return counted(Type::array, TRY(big_endian(first == 0xdc ? 2 : 4)));
    case 0xde:
    case 0xdf: return counted(Type::map, TRY(big_endian(first == 0xde ? 2 : 4)));
    default: return fail(ErrorKind::corrupt_data, "0xc1 begins no msgpack object");
  }
}

Result<ByteView> Reader::skip() {
  const std::size_t begin = at_;
  for (std::uint64_t left = 1; left > 0; --left) {
    const Token token = TRY(next());
    if (token.type == Type::array) left += token.count;
    if (token.type == Type::map) left += std::uint64_t{2} * token.count;
  }
  return bytes_.subspan(begin, at_ - begin);
}

void Writer::big_endian(std::uint64_t value, std::size_t size) {
  while (size-- > 0) byte(static_cast<unsigned>(value >> (8 * size)) & 0xffU);
}

// A size in 1, 2 or 4 bytes behind `first`, `first` + 1 or `first` + 2; from `smallest` bytes on.
void Writer::sized(std::uint64_t size, unsigned first, unsigned smallest) {
  CHECK(size <= std::numeric_limits<std::uint32_t>::max(), "msgpack counts with 32 bits");
  unsigned step = size <= 0xff ? 0 : size <= 0xffff ? 1 : 2;
  if (step < smallest) step = smallest;
  byte(first + step - smallest);
  big_endian(size, std::size_t{1} << step);
}

void Writer::nil() { byte(0xc0); }
void Writer::boolean(bool value) { byte(value ? 0xc3 : 0xc2); }

void Writer::natural(std::uint64_t value) {
  if (value < 0x80) return byte(static_cast<unsigned>(value));
  const unsigned step = value <= 0xff ? 0 : value <= 0xffff ? 1 : value <= 0xffff'ffff ? 2 : 3;
  byte(0xcc + step);
  big_endian(value, std::size_t{1} << step);
}

void Writer::integer(std::int64_t value) {
  if (value >= 0) return natural(static_cast<std::uint64_t>(value));
  if (value >= -32) return byte(static_cast<unsigned>(value) & 0xffU);
  const unsigned step = value >= std::numeric_limits<std::int8_t>::min()    ? 0
                        : value >= std::numeric_limits<std::int16_t>::min() ? 1
                        : value >= std::numeric_limits<std::int32_t>::min() ? 2
                                                                            : 3;
  byte(0xd0 + step);
  big_endian(static_cast<std::uint64_t>(value), std::size_t{1} << step);
}

void Writer::floating(double value) {
  byte(0xcb);
  big_endian(std::bit_cast<std::uint64_t>(value), 8);
}

void Writer::string(std::string_view value) {
  if (value.size() < 32) {
    byte(0xa0 + static_cast<unsigned>(value.size()));
  } else {
    sized(value.size(), 0xd9, 0);
  }
  raw(as_bytes(value));
}

void Writer::binary(ByteView value) {
  sized(value.size(), 0xc4, 0);
  raw(value);
}

void Writer::array(std::uint32_t count) {
  if (count < 16) return byte(0x90 + count);
  sized(count, 0xdc, 1);
}

void Writer::map(std::uint32_t count) {
  if (count < 16) return byte(0x80 + count);
  sized(count, 0xde, 1);
}

void Writer::extension(std::int8_t type, ByteView value) {
  if (std::has_single_bit(value.size()) && value.size() <= 16) {
    byte(0xd4 + static_cast<unsigned>(std::countr_zero(value.size())));
  } else {
    sized(value.size(), 0xc7, 0);
  }
  byte(static_cast<std::uint8_t>(type));
  raw(value);
}

}  // namespace quern::logs::msgpack
