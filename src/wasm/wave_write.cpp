#include "base/utf8.hpp"
#include "wasm/host.hpp"
#include "wasm/wave.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace quern::wasm {
namespace {

using Kind = WitType::Kind;

// As a person writes it: no exponent, as many digits as tell it from its neighbours.
template <class Float>
std::string floating(Float value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 400> digits{};
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::fixed);
  return {digits.data(), end.ptr};
}

std::string escaped(std::string_view character, std::uint32_t code, char quote) {
  switch (code) {
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    case '\\': return "\\\\";
    default: break;
  }
  if (character.size() == 1 && character[0] == quote) return {'\\', quote};
  // Control characters, and those that turn the order of letters around.
  const bool odd = code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x200e ||
                   code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
                   (code >= 0x2066 && code <= 0x2069);
  if (!odd) return std::string(character);
  std::array<char, 8> hex{};
  const auto end = std::to_chars(hex.data(), hex.data() + hex.size(), code, 16);
  return "\\u{" + std::string(hex.data(), end.ptr) + "}";
}

std::string in_quotes(std::string_view text, char quote) {
  std::string out(1, quote);
  while (!text.empty()) {
    const Character next = first_character(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(next.bytes, 1));
    out += escaped(character, next.code, quote);
    text.remove_prefix(character.size());
  }
  return out + quote;
}

class WaveWriter {
 public:
  explicit WaveWriter(ByteView bytes) : in_(bytes) {}

  void value(const WitType& type) {
    switch (type.kind) {
      case Kind::none: return;
      case Kind::boolean: out_ += in_.boolean() ? "true" : "false"; return;
      case Kind::u8: number<std::uint8_t>(in_.u8()); return;
      case Kind::s8: number<std::int8_t>(in_.u8()); return;
      case Kind::u16: number<std::uint16_t>(u16()); return;
      case Kind::s16: number<std::int16_t>(u16()); return;
      case Kind::u32: number<std::uint32_t>(in_.u32()); return;
      case Kind::s32: number<std::int32_t>(in_.u32()); return;
      case Kind::u64: number<std::uint64_t>(in_.u64()); return;
      case Kind::s64: number<std::int64_t>(in_.u64()); return;
      case Kind::f32: out_ += floating(in_.f32()); return;
      case Kind::f64: out_ += floating(in_.f64()); return;
      case Kind::character: out_ += in_quotes(to_utf8(in_.u32()), '\''); return;
      case Kind::string: out_ += in_quotes(in_.text(), '"'); return;
      case Kind::list: return list(type);
      case Kind::record: return record(type);
      case Kind::tuple: return tuple(type);
      case Kind::variant:
      case Kind::enumeration: return one_of(type);
      case Kind::option: return option(type);
      case Kind::result: return result(type);
      case Kind::flags: return flags(type);
    }
  }
  std::string take() { return std::move(out_); }

 private:
  template <class Integer, class Bits>
  void number(Bits bits) {
    out_ += std::to_string(static_cast<Integer>(bits));
  }
  std::uint32_t u16() {
    const std::uint32_t low = in_.u8();
    return low | (static_cast<std::uint32_t>(in_.u8()) << 8U);
  }
  void list(const WitType& type) {
    out_ += '[';
    const std::uint32_t count = in_.count();
    for (std::uint32_t i = 0; i < count; ++i) {
      if (i > 0) out_ += ", ";
      value(type.parts[0]);
    }
    out_ += ']';
  }
  void tuple(const WitType& type) {
    out_ += '(';
    for (std::size_t i = 0; i < type.parts.size(); ++i) {
      if (i > 0) out_ += ", ";
      value(type.parts[i]);
    }
    out_ += ')';
  }
  // Without the options that are none.
  void record(const WitType& type) {
    bool first = true;
    for (std::size_t i = 0; i < type.parts.size(); ++i) {
      if (type.parts[i].kind == Kind::option && !in_.present()) continue;
      out_ += first ? "{" : ", ";
      first = false;
      out_ += type.names[i] + ": ";
      if (type.parts[i].kind == Kind::option) {
        wrapped("some", type.parts[i].parts[0]);
      } else {
        value(type.parts[i]);
      }
    }
    out_ += first ? "{:}" : "}";
  }
  void wrapped(std::string_view word, const WitType& payload) {
    out_ += word;
    if (payload.kind == Kind::none) return;
    out_ += '(';
    value(payload);
    out_ += ')';
  }
  void one_of(const WitType& type) {
    const std::uint32_t number = in_.discriminant();
    wrapped(type.names.at(number), type.parts.empty() ? WitType{} : type.parts[number]);
  }
  void option(const WitType& type) {
    if (in_.present()) {
      wrapped("some", type.parts[0]);
    } else {
      out_ += "none";
    }
  }
  void result(const WitType& type) {
    const bool ok = in_.present();
    wrapped(ok ? "ok" : "err", type.parts[ok ? 0 : 1]);
  }
  void flags(const WitType& type) {
    out_ += '{';
    std::uint32_t word = 0;
    bool first = true;
    for (std::size_t i = 0; i < type.names.size(); ++i) {
      if (i % 32 == 0) word = in_.u32();
      if (((word >> (i % 32)) & 1U) == 0) continue;
      out_ += (first ? "" : ", ") + type.names[i];
      first = false;
    }
    out_ += '}';
  }

  ValueReader in_;
  std::string out_;
};

}  // namespace

std::string write_wave(const WitType& type, ByteView bytes) {
  WaveWriter writer(bytes);
  writer.value(type);
  return writer.take();
}

}  // namespace quern::wasm
