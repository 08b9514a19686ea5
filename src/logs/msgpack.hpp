// MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md), the form in which records
// travel and are kept. Read in place, a token at a time; nothing of a sender's bytes is believed
// before it was looked at.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace quern::logs::msgpack {

enum class Type : std::uint8_t {
  nil,
  boolean,
  natural,  // an integer from 0 on
  negative,
  floating,
  string,
  binary,
  array,  // `count` objects follow
  map,    // `count` pairs of objects follow
  extension,
};

struct Token {
  Type type = Type::nil;
  bool truth = false;
  std::uint64_t natural = 0;
  std::int64_t negative = 0;  // below 0
  double floating = 0;
  std::uint32_t count = 0;
  std::int8_t extension = 0;  // its type; the application's from 0 to 127
  ByteView bytes;             // of a string, binary or extension; lives as long as what is read
};

// Bytes are read from the beginning to the end. After an error nothing more is read.
class Reader {
 public:
  explicit Reader(ByteView bytes) : bytes_(bytes) {}

  bool done() const { return at_ == bytes_.size(); }
  std::size_t position() const { return at_; }
  // corrupt_data: the bytes end within it, or begin with the one byte that means nothing. An array
  // or map that announces more than there are bytes left is one, too.
  Result<Token> next();
  // Passes over one object with all that is in it, however deep; its bytes.
  Result<ByteView> skip();

 private:
  Result<std::uint64_t> big_endian(std::size_t size);
  Result<ByteView> take(std::uint64_t size);
  Result<Token> bytes_of(Type type, std::size_t size_of_size);
  Result<Token> counted(Type type, std::uint64_t count);

  ByteView bytes_;
  std::size_t at_ = 0;
};

// Appends objects, each in its shortest form. The caller sees to it that as many objects follow an
// array or map as it said.
class Writer {
 public:
  explicit Writer(Buffer& out) : out_(out) {}

  void nil();
  void boolean(bool value);
  void natural(std::uint64_t value);
  void integer(std::int64_t value);
  void floating(double value);
  void string(std::string_view value);
  void binary(ByteView value);
  void array(std::uint32_t count);
  void map(std::uint32_t count);
  void extension(std::int8_t type, ByteView value);
  // Objects that are msgpack already.
  void raw(ByteView objects) { out_.insert(out_.end(), objects.begin(), objects.end()); }

 private:
  void byte(unsigned value) { out_.push_back(static_cast<std::byte>(value)); }
  void big_endian(std::uint64_t value, std::size_t size);
  void sized(std::uint64_t size, unsigned first, unsigned smallest);

  Buffer& out_;
};

// Deeper objects are refused where they would become text.
inline constexpr std::size_t kDeepest = 64;

// One object as JSON, on one line. Bytes that are no UTF-8 become U+FFFD, numbers that JSON has not
// (NaN) null, binary a string of its bytes, keys that are no strings their JSON as a string. An
// extension is {"type": N, "base64": "..."}. corrupt_data: it is no whole object; unsupported: too
// deep.
Result<> to_json(ByteView object, std::string& out);
// Text as a string of JSON, in its quotes, likewise.
void json_text(std::string_view text, std::string& out);

}  // namespace quern::logs::msgpack
