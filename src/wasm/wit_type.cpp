#include "wasm/wit_type.hpp"

#include "base/text.hpp"
#include "wasm/text_cursor.hpp"

#include <array>
#include <optional>
#include <utility>

namespace quern::wasm {
namespace {

using Kind = WitType::Kind;

// Wasmtime's own bound is less.
constexpr int kDeepest = 128;
constexpr std::size_t kMostTold = 20;  // functions in an error

constexpr std::array<std::pair<std::string_view, Kind>, 21> kWords{{
    {"bool", Kind::boolean},  {"u8", Kind::u8},           {"s8", Kind::s8},
    {"u16", Kind::u16},       {"s16", Kind::s16},         {"u32", Kind::u32},
    {"s32", Kind::s32},       {"u64", Kind::u64},         {"s64", Kind::s64},
    {"f32", Kind::f32},       {"f64", Kind::f64},         {"char", Kind::character},
    {"string", Kind::string}, {"list", Kind::list},       {"record", Kind::record},
    {"tuple", Kind::tuple},   {"variant", Kind::variant}, {"enum", Kind::enumeration},
    {"option", Kind::option}, {"result", Kind::result},   {"flags", Kind::flags},
}};

class TypeReader {
 public:
  explicit TypeReader(std::string_view text) : in_(text) {}

  Result<WitType> type() {
    if (++depth_ > kDeepest) return unknown();
    in_.skip_blanks();
    const std::size_t begin = in_.at();
    WitType type;
    type.kind = TRY(kind());
    switch (type.kind) {
      case Kind::list:
      case Kind::option:
      case Kind::tuple: TRY(between_angles(type)); break;
      case Kind::result: TRY(result(type)); break;
      case Kind::record: TRY(fields(type)); break;
      case Kind::variant: TRY(cases(type)); break;
      case Kind::enumeration:
      case Kind::flags: TRY(names(type)); break;
      default: break;
    }
    type.text = std::string(in_.since(begin));
    --depth_;
    return type;
  }

  // "(a: u32, b: u32) -> u32"
  Result<> function(WitFunction& into) {
    TRY(needed('('));
    for (bool first = true; !in_.take(')'); first = false) {
      if (!first) TRY(needed(','));
      into.parameters.push_back(TRY(label()));
      TRY(needed(':'));
      into.types.push_back(TRY(type()));
    }
    if (!in_.take('-')) return {};
    TRY(needed('>'));
    into.result = TRY(type());
    return {};
  }
  Result<> end() {
    if (in_.at_end()) return {};
    return unknown();
  }

 private:
  Failure unknown() {
    return fail(ErrorKind::unsupported, "a type whose values cannot be written as text: \"" +
                                            printable(in_.rest(), 40) + "\"");
  }
  Result<> needed(char c) {
    if (in_.take(c)) return {};
    return unknown();
  }
  Result<std::string> label() {
    const std::string_view text = in_.run(is_label_letter);
    if (text.empty()) return unknown();
    return std::string(text);
  }
  Result<Kind> kind() {
    const std::size_t begin = in_.at();
    const std::string_view word = in_.run(is_label_letter);
    for (const auto& [known, kind] : kWords) {
      if (word == known) return kind;
    }
    in_.go_back(begin);
    return unknown();
  }
  Result<> between_angles(WitType& type) {
    TRY(needed('<'));
    for (bool first = true; !in_.take('>'); first = false) {
      if (!first) TRY(needed(','));
      type.parts.push_back(TRY(this->type()));
    }
    if (type.kind == Kind::tuple || type.parts.size() == 1) return {};
    return unknown();
  }
  // result, result<T>, result<_, E>, result<T, E>
  Result<> result(WitType& type) {
    type.parts.resize(2);
    if (!in_.take('<')) return {};
    if (!in_.take('_')) type.parts[0] = TRY(this->type());
    if (in_.take(',')) type.parts[1] = TRY(this->type());
    return needed('>');
  }
  Result<> fields(WitType& type) {
    TRY(needed('{'));
    for (bool first = true; !in_.take('}'); first = false) {
      if (!first) TRY(needed(','));
      type.names.push_back(TRY(label()));
      TRY(needed(':'));
      type.parts.push_back(TRY(this->type()));
    }
    return {};
  }
  Result<> cases(WitType& type) {
    TRY(needed('{'));
    for (bool first = true; !in_.take('}'); first = false) {
      if (!first) TRY(needed(','));
      type.names.push_back(TRY(label()));
      type.parts.emplace_back();
      if (!in_.take('(')) continue;
      type.parts.back() = TRY(this->type());
      TRY(needed(')'));
    }
    return {};
  }
  Result<> names(WitType& type) {
    TRY(needed('{'));
    for (bool first = true; !in_.take('}'); first = false) {
      if (!first) TRY(needed(','));
      type.names.push_back(TRY(label()));
    }
    return {};
  }

  TextCursor in_;
  int depth_ = 0;
};

// A function's line, taken apart and not yet understood.
struct Line {
  std::string_view instance;
  std::string_view name;
  std::string_view text;
  std::string full() const {
    return (instance.empty() ? "" : std::string(instance) + "/") + std::string(name);
  }
};

std::vector<Line> lines_of(std::string_view text) {
  std::vector<Line> lines;
  for (const std::string_view line : split(text, '\n')) {
    const auto parts = split(line, '\t');
    if (parts.size() == 3) lines.push_back({parts[0], parts[1], parts[2]});
  }
  return lines;
}

// "docs:math/ops@0.1.0" is also "docs:math/ops" and "ops".
bool means(std::string_view asked, std::string_view instance) {
  const std::string_view bare = instance.substr(0, instance.find('@'));
  const std::size_t slash = bare.rfind('/');
  return asked == instance || asked == bare ||
         (slash != std::string_view::npos && asked == bare.substr(slash + 1));
}

std::vector<Line> named(const std::vector<Line>& lines, std::string_view name) {
  std::vector<Line> found;
  const std::size_t slash = name.rfind('/');
  for (const Line& line : lines) {
    if (line.instance.empty() && line.name == name) return {line};  // the component's own
    const bool fits =
        slash == std::string_view::npos
            ? line.name == name
            : line.name == name.substr(slash + 1) && means(name.substr(0, slash), line.instance);
    if (fits) found.push_back(line);
  }
  return found;
}

std::string told(const std::vector<Line>& lines) {
  std::string text;
  for (std::size_t i = 0; i < lines.size() && i < kMostTold; ++i) {
    text += (i == 0 ? "" : ", ") + printable(lines[i].full(), 200);
  }
  return text + (lines.size() > kMostTold ? ", ..." : "");
}

}  // namespace

Result<WitType> parse_wit_type(std::string_view text) {
  TypeReader in(text);
  WitType type = TRY(in.type());
  TRY(in.end());
  return type;
}

Result<WitFunction> find_function(std::string_view lines, std::string_view name) {
  const std::vector<Line> all = lines_of(lines);
  const std::vector<Line> found = named(all, name);
  const std::string asked = printable(name, 200);
  if (found.empty()) {
    return fail(ErrorKind::not_found,
                "the component exports no function " + asked +
                    (all.empty() ? std::string(", and no other") : "; it has " + told(all)));
  }
  if (found.size() > 1) {
    return fail(ErrorKind::invalid_argument, "several functions are called " + asked +
                                                 "; name one with its interface: " + told(found));
  }
  WitFunction function{.instance = std::string(found[0].instance),
                       .name = std::string(found[0].name),
                       .parameters = {},
                       .types = {},
                       .result = {},
                       .text = std::string(found[0].text)};
  TypeReader in(found[0].text);
  TRY(in.function(function).context(asked));
  TRY(in.end().context(asked));
  return function;
}

}  // namespace quern::wasm
