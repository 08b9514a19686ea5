#include "base/text.hpp"
#include "base/utf8.hpp"
#include "wasm/host.hpp"
#include "wasm/text_cursor.hpp"
#include "wasm/wave.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace quern::wasm {
namespace {

using Kind = WitType::Kind;

bool is_number_letter(char c) { return is_label_letter(c) || c == '.' || c == '+'; }

// What may stand for an option or the ok of a result without being wrapped.
bool may_stand_bare(const WitType& type) {
  return type.kind != Kind::none && type.kind != Kind::option && type.kind != Kind::result;
}

// The one character that `text` is; absent for none and for more.
std::optional<std::uint32_t> only_character(std::string_view text) {
  if (text.empty()) return {};
  const Character character = first_character(text);
  if (character.bytes == 0 || character.bytes != text.size()) return {};
  return character.code;
}

class WaveReader {
 public:
  explicit WaveReader(std::string_view text) : in_(text) {}

  Result<> value(const WitType& type, Buffer& out) {
    switch (type.kind) {
      case Kind::none: return {};
      case Kind::boolean: return boolean(type, out);
      case Kind::u8: return integer<std::uint8_t>(type, out);
      case Kind::s8: return integer<std::int8_t>(type, out);
      case Kind::u16: return integer<std::uint16_t>(type, out);
      case Kind::s16: return integer<std::int16_t>(type, out);
      case Kind::u32: return integer<std::uint32_t>(type, out);
      case Kind::s32: return integer<std::int32_t>(type, out);
      case Kind::u64: return integer<std::uint64_t>(type, out);
      case Kind::s64: return integer<std::int64_t>(type, out);
      case Kind::f32: return floating<float, std::uint32_t>(type, out);
      case Kind::f64: return floating<double, std::uint64_t>(type, out);
      case Kind::character: return character(type, out);
      case Kind::string: return string(type, out);
      case Kind::list: return list(type, out);
      case Kind::record: return record(type, out);
      case Kind::tuple: return tuple(type, out);
      case Kind::variant:
      case Kind::enumeration: return one_of(type, out);
      case Kind::option: return option(type, out);
      case Kind::result: return result(type, out);
      case Kind::flags: return flags(type, out);
    }
    return {};
  }

  // "(1, 2)": a parameter each.
  Result<> call(const WitFunction& function, Buffer& out) {
    TRY(needed('(', function.text));
    for (std::size_t i = 0; i < function.types.size(); ++i) {
      if (i > 0) TRY(needed(',', function.text));
      TRY(value(function.types[i], out).context("the parameter " + function.parameters[i]));
    }
    if (!function.types.empty()) in_.take(',');
    return needed(')', function.text);
  }
  Result<> end(std::string_view expected) {
    if (in_.at_end()) return {};
    return wrong(expected);
  }

 private:
  Failure wrong(std::string_view expected) {
    in_.skip_blanks();
    const std::string found = in_.at_end() ? "the end" : "\"" + printable(in_.rest(), 40) + "\"";
    return fail(ErrorKind::invalid_argument,
                "expected " + printable(expected, 200) + ", found " + found);
  }
  Failure wrong_at(std::size_t begin, std::string_view expected) {
    in_.go_back(begin);
    return wrong(expected);
  }
  Result<> needed(char c, std::string_view of) {
    if (in_.take(c)) return {};
    return wrong("'" + std::string(1, c) + "' of " + std::string(of));
  }

  template <class Integer>
  static void put(Integer value, Buffer& out) {
    for (std::size_t i = 0; i < sizeof(Integer); ++i) {
      out.push_back(static_cast<std::byte>(value >> (8 * i)));
    }
  }
  static void put_count(std::size_t value, Buffer& out) {
    put(static_cast<std::uint32_t>(value), out);
  }

  // "%" before a name keeps it from being a keyword.
  std::string_view label() {
    in_.skip_blanks();
    const std::size_t begin = in_.at();
    in_.take('%');
    const std::string_view name = in_.run(is_label_letter);
    if (name.empty()) in_.go_back(begin);
    return name;
  }
  // The next label where it is this word.
  bool takes_word(std::string_view word) {
    in_.skip_blanks();
    const std::size_t begin = in_.at();
    if (in_.run(is_label_letter) == word) return true;
    in_.go_back(begin);
    return false;
  }

  Result<> boolean(const WitType& type, Buffer& out) {
    if (takes_word("true")) {
      put(std::uint8_t{1}, out);
    } else if (takes_word("false")) {
      put(std::uint8_t{0}, out);
    } else {
      return wrong(type.text);
    }
    return {};
  }

  template <class Integer>
  Result<> integer(const WitType& type, Buffer& out) {
    in_.skip_blanks();
    const std::size_t begin = in_.at();
    const auto number = parse_number<Integer>(in_.run(is_number_letter));
    if (!number.ok()) return wrong_at(begin, type.text);
    put(static_cast<std::make_unsigned_t<Integer>>(*number), out);
    return {};
  }

  template <class Float, class Bits>
  Result<> floating(const WitType& type, Buffer& out) {
    in_.skip_blanks();
    const std::size_t begin = in_.at();
    const auto number = parse_number<Float>(in_.run(is_number_letter));
    if (!number.ok()) return wrong_at(begin, type.text);
    put(std::bit_cast<Bits>(*number), out);
    return {};
  }

  // What stands between two quotes, with its escapes undone; the first was taken.
  Result<std::string> quoted(char quote, std::string_view expected) {
    std::string text;
    while (!in_.rest().empty()) {
      const char c = in_.next();
      if (c == quote) {
        if (is_utf8(text)) return text;
        break;
      }
      if (c != '\\') {
        text += c;
      } else if (!escape(text)) {
        break;
      }
    }
    return wrong(std::string(expected) + " with its end");
  }
  bool escape(std::string& text) {
    constexpr std::string_view kFrom = "nrt\\'\"";
    constexpr std::string_view kTo = "\n\r\t\\'\"";
    const char c = in_.next();
    if (const std::size_t at = kFrom.find(c); at != std::string_view::npos) {
      text += kTo[at];
      return true;
    }
    if (c != 'u' || in_.next() != '{') return false;
    const std::string_view hex = in_.run(is_label_letter);
    std::uint32_t code = 0;
    const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), code, 16);
    const bool scalar = code < 0xd800 || (code > 0xdfff && code < 0x110000);
    if (error != std::errc() || end != hex.data() + hex.size() || !scalar) return false;
    text += to_utf8(code);
    return in_.next() == '}';
  }
  Result<> string(const WitType& /*type*/, Buffer& out) {
    constexpr std::string_view kExpected = "a string in double quotes";
    if (!in_.take('"')) return wrong(kExpected);
    const std::string text = TRY(quoted('"', kExpected));
    put_count(text.size(), out);
    const ByteView bytes = as_bytes(text);
    out.insert(out.end(), bytes.begin(), bytes.end());
    return {};
  }
  Result<> character(const WitType& /*type*/, Buffer& out) {
    constexpr std::string_view kExpected = "a character in single quotes";
    in_.skip_blanks();
    const std::size_t begin = in_.at();
    if (!in_.take('\'')) return wrong(kExpected);
    const auto code = only_character(TRY(quoted('\'', kExpected)));
    if (!code) return wrong_at(begin, kExpected);
    put(*code, out);
    return {};
  }

  Result<> list(const WitType& type, Buffer& out) {
    TRY(needed('[', type.text));
    const std::size_t count_at = out.size();
    put_count(0, out);
    std::uint32_t count = 0;
    while (!in_.take(']')) {
      if (count > 0) {
        TRY(needed(',', type.text));
        if (in_.take(']')) break;
      }
      TRY(value(type.parts[0], out));
      ++count;
    }
    Buffer written;
    put(count, written);
    std::copy(written.begin(), written.end(), out.begin() + static_cast<std::ptrdiff_t>(count_at));
    return {};
  }

  Result<> tuple(const WitType& type, Buffer& out) {
    TRY(needed('(', type.text));
    for (std::size_t i = 0; i < type.parts.size(); ++i) {
      if (i > 0) TRY(needed(',', type.text));
      TRY(value(type.parts[i], out));
    }
    if (!type.parts.empty()) in_.take(',');
    return needed(')', type.text);
  }

  // In any order; options that are none may be left out. "{:}" leaves out all.
  Result<> record(const WitType& type, Buffer& out) {
    TRY(needed('{', type.text));
    std::vector<std::optional<Buffer>> fields(type.names.size());
    const bool none = in_.take(':');
    for (bool first = true; !in_.take('}'); first = false) {
      if (none) return wrong("'}' of " + type.text);
      if (!first) {
        TRY(needed(',', type.text));
        if (in_.take('}')) break;
      }
      in_.skip_blanks();
      const std::size_t begin = in_.at();
      const auto at = std::ranges::find(type.names, label());
      if (at == type.names.end()) return wrong_at(begin, "a field of " + type.text);
      auto& field = fields[static_cast<std::size_t>(at - type.names.begin())];
      if (field) return wrong_at(begin, "the field " + *at + " once");
      TRY(needed(':', type.text));
      field.emplace();
      TRY(value(type.parts[static_cast<std::size_t>(at - type.names.begin())], *field)
              .context("the field " + *at));
    }
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (fields[i]) {
        out.insert(out.end(), fields[i]->begin(), fields[i]->end());
      } else if (type.parts[i].kind == Kind::option) {
        put(std::uint8_t{0}, out);
      } else {
        return fail(ErrorKind::invalid_argument, "the field " + type.names[i] + " is missing");
      }
    }
    return {};
  }

  Result<> in_brackets(const WitType& payload, const WitType& of, Buffer& out) {
    TRY(needed('(', of.text));
    TRY(value(payload, out));
    return needed(')', of.text);
  }

  Result<> one_of(const WitType& type, Buffer& out) {
    in_.skip_blanks();
    const std::size_t begin = in_.at();
    const auto at = std::ranges::find(type.names, label());
    if (at == type.names.end()) return wrong_at(begin, type.text);
    const auto number = static_cast<std::size_t>(at - type.names.begin());
    put_count(number, out);
    const bool bare = type.parts.empty() || type.parts[number].kind == Kind::none;
    return bare ? Result<>() : in_brackets(type.parts[number], type, out);
  }

  Result<> option(const WitType& type, Buffer& out) {
    if (takes_word("none")) {
      put(std::uint8_t{0}, out);
      return {};
    }
    put(std::uint8_t{1}, out);
    const std::size_t begin = in_.at();
    if (takes_word("some") && in_.sees('(')) return in_brackets(type.parts[0], type, out);
    in_.go_back(begin);
    return may_stand_bare(type.parts[0]) ? value(type.parts[0], out) : wrong(type.text);
  }

  Result<> result(const WitType& type, Buffer& out) {
    for (const bool ok : {true, false}) {
      if (!takes_word(ok ? "ok" : "err")) continue;
      const WitType& payload = type.parts[ok ? 0 : 1];
      put(std::uint8_t{ok}, out);
      return payload.kind == Kind::none ? Result<>() : in_brackets(payload, type, out);
    }
    if (!may_stand_bare(type.parts[0])) return wrong(type.text);
    put(std::uint8_t{1}, out);
    return value(type.parts[0], out);
  }

  Result<> flags(const WitType& type, Buffer& out) {
    TRY(needed('{', type.text));
    std::vector<std::uint32_t> words((type.names.size() + 31) / 32);
    for (bool first = true; !in_.take('}'); first = false) {
      if (!first) {
        TRY(needed(',', type.text));
        if (in_.take('}')) break;
      }
      in_.skip_blanks();
      const std::size_t begin = in_.at();
      const auto at = std::ranges::find(type.names, label());
      if (at == type.names.end()) return wrong_at(begin, type.text);
      const auto bit = static_cast<std::size_t>(at - type.names.begin());
      words[bit / 32] |= 1U << (bit % 32);
    }
    for (const std::uint32_t word : words) put(word, out);
    return {};
  }

  TextCursor in_;
};

}  // namespace

Result<Buffer> read_wave(const WitType& type, std::string_view text) {
  WaveReader in(text);
  Buffer out;
  TRY(in.value(type, out));
  TRY(in.end("the end of " + type.text));
  return out;
}

Result<Buffer> read_arguments(const WitFunction& function, const std::vector<std::string>& texts) {
  if (texts.size() != function.types.size()) {
    return fail(ErrorKind::invalid_argument, function.name + printable(function.text, 300) +
                                                 " takes " + std::to_string(function.types.size()) +
                                                 " arguments, " + std::to_string(texts.size()) +
                                                 " given");
  }
  Buffer out;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const Buffer value = TRY(
        read_wave(function.types[i], texts[i]).context("the parameter " + function.parameters[i]));
    out.insert(out.end(), value.begin(), value.end());
  }
  return out;
}

Result<Buffer> read_call(const WitFunction& function, std::string_view text) {
  WaveReader in(text);
  Buffer out;
  TRY(in.call(function, out).context(function.name));
  TRY(in.end("the end of the call").context(function.name));
  return out;
}

}  // namespace quern::wasm
