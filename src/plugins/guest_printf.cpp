// The conversions of C (ISO/IEC 9899:2018, 7.21.6.1), and the layout of variable arguments of
// https://github.com/WebAssembly/tool-conventions/blob/main/BasicCABI.md
#include "plugins/guest_printf.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

namespace quern::plugins {
namespace {

constexpr std::size_t kLongest = 1U << 20U;
constexpr std::uint32_t kWidest = 4096;  // of one conversion

Failure refused(std::string_view what) {
  return fail(ErrorKind::guest_trap, "printf: " + std::string(what));
}

class Arguments {
 public:
  Arguments(const wasm::GuestMemory& memory, std::uint32_t at) : memory_(memory), at_(at) {}

  Result<std::uint32_t> word() {
    at_ = (at_ + 3) & ~3U;
    const std::uint32_t value = TRY(memory_.read_u32(at_));
    at_ += 4;
    return value;
  }
  Result<std::uint64_t> wide() {
    at_ = (at_ + 7) & ~7U;
    const std::uint64_t low = TRY(memory_.read_u32(at_));
    const std::uint64_t high = TRY(memory_.read_u32(at_ + 4));
    at_ += 8;
    return low | high << 32U;
  }

 private:
  const wasm::GuestMemory& memory_;
  std::uint32_t at_;
};

enum class Size : std::uint8_t { byte, half, word, wide };

struct Conversion {
  bool left = false;
  bool plus = false;
  bool space = false;
  bool zero = false;
  bool alternate = false;
  std::uint32_t width = 0;
  std::optional<std::uint32_t> precision;
  Size size = Size::word;
  char kind = 0;
};

// What stands behind a '%'.
class Parser {
 public:
  Parser(std::string_view& rest, Arguments& arguments) : rest_(rest), arguments_(arguments) {}

  Result<Conversion> parse() {
    while (flag()) {
    }
    const auto width = TRY(number());
    if (width < 0) into_.left = true;
    into_.width = static_cast<std::uint32_t>(std::abs(width));
    if (take('.')) {
      const auto precision = TRY(number());
      if (precision >= 0) into_.precision = static_cast<std::uint32_t>(precision);
    }
    if (into_.width > kWidest || into_.precision.value_or(0) > kWidest)
      return refused("a width above 4096");
    TRY(size());
    if (rest_.empty()) return refused("the format ends with a %");
    into_.kind = rest_.front();
    rest_.remove_prefix(1);
    return into_;
  }

 private:
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool flag() {
    if (take('-')) return into_.left = true;
    if (take('+')) return into_.plus = true;
    if (take(' ')) return into_.space = true;
    if (take('0')) return into_.zero = true;
    if (take('#')) return into_.alternate = true;
    return false;
  }
  Result<std::int64_t> number() {
    if (take('*')) return std::int64_t{static_cast<std::int32_t>(TRY(arguments_.word()))};
    std::int64_t value = 0;
    while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
      value = std::min<std::int64_t>(10 * value + (rest_.front() - '0'), kWidest + 1);
      rest_.remove_prefix(1);
    }
    return value;
  }
  Result<> size() {
    if (take('h')) {
      into_.size = take('h') ? Size::byte : Size::half;
    } else if (take('l')) {
      into_.size = take('l') ? Size::wide : Size::word;
    } else if (take('j') || take('q')) {
      into_.size = Size::wide;
    } else if (take('L')) {
      return refused("long double");
    } else if (!take('z')) {
      take('t');
    }
    return {};
  }

  std::string_view& rest_;
  Arguments& arguments_;
  Conversion into_;
};

class Printing {
 public:
  Printing(const wasm::GuestMemory& memory, std::uint32_t arguments)
      : memory_(memory), arguments_(memory, arguments) {}

  Result<std::string> run(std::string_view format) {
    while (!format.empty()) {
      const std::size_t plain = std::min(format.find('%'), format.size());
      out_.append(format, 0, plain);
      format.remove_prefix(plain);
      if (format.empty()) break;
      format.remove_prefix(1);
      const Conversion how = TRY(Parser(format, arguments_).parse());
      TRY(convert(how));
      if (out_.size() > kLongest) return refused("more than 1 MiB");
    }
    return std::move(out_);
  }

 private:
  Result<> convert(const Conversion& how) {
    switch (how.kind) {
      case '%': out_.push_back('%'); return {};
      case 'd':
      case 'i': return whole(how, TRY(signed_value(how)));
      case 'u': return natural(how, TRY(unsigned_value(how)), 10, "");
      case 'o': return natural(how, TRY(unsigned_value(how)), 8, how.alternate ? "0" : "");
      case 'x':
      case 'X': return hexadecimal(how);
      case 'p': return natural(how, TRY(arguments_.word()), 16, "0x");
      case 'c': put(how, "", std::string(1, static_cast<char>(TRY(arguments_.word())))); return {};
      case 's': return text(how);
      case 'f':
      case 'F':
      case 'e':
      case 'E':
      case 'g':
      case 'G':
      case 'a':
      case 'A': return floating(how);
      default: return refused(std::string("%") + how.kind + " is not to be had");
    }
  }

  Result<std::int64_t> signed_value(const Conversion& how) {
    if (how.size == Size::wide) return static_cast<std::int64_t>(TRY(arguments_.wide()));
    const std::uint32_t word = TRY(arguments_.word());
    if (how.size == Size::byte) return static_cast<std::int8_t>(word);
    if (how.size == Size::half) return static_cast<std::int16_t>(word);
    return static_cast<std::int32_t>(word);
  }
  Result<std::uint64_t> unsigned_value(const Conversion& how) {
    if (how.size == Size::wide) return TRY(arguments_.wide());
    const std::uint32_t word = TRY(arguments_.word());
    if (how.size == Size::byte) return word & 0xffU;
    if (how.size == Size::half) return word & 0xffffU;
    return word;
  }

  Result<> whole(const Conversion& how, std::int64_t value) {
    const auto size =
        value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
    digits(how, size, 10, sign(how, value < 0));
    return {};
  }
  Result<> natural(const Conversion& how, std::uint64_t value, int base, std::string_view prefix) {
    digits(how, value, base, prefix);
    return {};
  }
  Result<> hexadecimal(const Conversion& how) {
    const std::uint64_t value = TRY(unsigned_value(how));
    const std::size_t before = out_.size();
    digits(how, value, 16, how.alternate && value != 0 ? "0x" : "");
    if (how.kind == 'X') upper(before);
    return {};
  }

  static std::string_view sign(const Conversion& how, bool negative) {
    if (negative) return "-";
    if (how.plus) return "+";
    return how.space ? " " : "";
  }

  void digits(Conversion how, std::uint64_t value, int base, std::string_view prefix) {
    std::array<char, 32> room{};
    const auto end = std::to_chars(room.data(), room.data() + room.size(), value, base).ptr;
    std::string text(room.data(), end);
    if (how.precision) {
      how.zero = false;
      if (*how.precision == 0 && value == 0) text.clear();
      if (text.size() < *how.precision) text.insert(0, *how.precision - text.size(), '0');
    }
    put(how, prefix, text);
  }

  Result<> text(const Conversion& how) {
    const std::uint32_t at = TRY(arguments_.word());
    std::string_view all = "(null)";
    // With a precision the text need not have an end.
    if (at != 0 && how.precision) {
      const auto room = static_cast<std::uint32_t>(std::min<std::uint64_t>(
          *how.precision,
          memory_.size().count - std::min<std::uint64_t>(at, memory_.size().count)));
      all = TRY(memory_.text(at, room));
      all = all.substr(0, all.find('\0'));
    } else if (at != 0) {
      all = TRY(guest_text(memory_, at));
    }
    if (how.precision) all = all.substr(0, *how.precision);
    if (all.size() > kLongest) return refused("more than 1 MiB");
    Conversion plain = how;
    plain.zero = false;
    put(plain, "", std::string(all));
    return {};
  }

  Result<> floating(Conversion how) {
    const auto value = std::bit_cast<double>(TRY(arguments_.wide()));
    const std::size_t before = out_.size();
    const double size = std::fabs(value);
    std::string text;
    if (!std::isfinite(value)) {
      how.zero = false;
      text = std::isnan(value) ? "nan" : "inf";
    } else {
      text = finite(how, size);
    }
    const bool hex = how.kind == 'a' || how.kind == 'A';
    const std::string prefix =
        std::string(sign(how, std::signbit(value))) + (hex && std::isfinite(value) ? "0x" : "");
    put(how, prefix, text);
    if (how.kind == 'F' || how.kind == 'E' || how.kind == 'G' || how.kind == 'A') upper(before);
    return {};
  }

  static std::string finite(const Conversion& how, double size) {
    static constexpr std::size_t kLargestWhole = 320;  // digits of the largest double
    std::string room(kLargestWhole + kWidest, '\0');
    const auto format = how.kind == 'f' || how.kind == 'F'   ? std::chars_format::fixed
                        : how.kind == 'e' || how.kind == 'E' ? std::chars_format::scientific
                        : how.kind == 'g' || how.kind == 'G' ? std::chars_format::general
                                                             : std::chars_format::hex;
    char* const end = room.data() + room.size();
    const bool shortest = format == std::chars_format::hex && !how.precision;
    const auto done = shortest ? std::to_chars(room.data(), end, size, format)
                               : std::to_chars(room.data(), end, size, format,
                                               static_cast<int>(how.precision.value_or(6)));
    room.resize(static_cast<std::size_t>(done.ptr - room.data()));
    return room;
  }

  void put(const Conversion& how, std::string_view prefix, const std::string& text) {
    const std::size_t size = prefix.size() + text.size();
    const std::size_t padding = how.width > size ? how.width - size : 0;
    const bool zeros = how.zero && !how.left;
    if (!how.left && !zeros) out_.append(padding, ' ');
    out_.append(prefix);
    if (zeros) out_.append(padding, '0');
    out_.append(text);
    if (how.left) out_.append(padding, ' ');
  }

  void upper(std::size_t from) {
    for (std::size_t i = from; i < out_.size(); ++i) {
      if (out_[i] >= 'a' && out_[i] <= 'z') out_[i] = static_cast<char>(out_[i] - 'a' + 'A');
    }
  }

  const wasm::GuestMemory& memory_;
  Arguments arguments_;
  std::string out_;
};

}  // namespace

Result<std::string_view> guest_text(const wasm::GuestMemory& memory, std::uint32_t at) {
  const std::uint64_t size = memory.size().count;
  const auto room =
      static_cast<std::uint32_t>(at < size ? std::min<std::uint64_t>(size - at, 0xffff'ffffU) : 1);
  const std::string_view rest = TRY(memory.text(at, room));
  const std::size_t end = rest.find('\0');
  if (end == std::string_view::npos) {
    return fail(ErrorKind::guest_trap, "a text at " + std::to_string(at) + " has no end");
  }
  return rest.substr(0, end);
}

Result<std::string> guest_printf(const wasm::GuestMemory& memory, std::uint32_t format,
                                 std::uint32_t arguments) {
  const std::string_view text = TRY(guest_text(memory, format));
  // Conversions that print nothing are work, too.
  if (text.size() > kLongest) return refused("a format of more than 1 MiB");
  return Printing(memory, arguments).run(text);
}

}  // namespace quern::plugins
