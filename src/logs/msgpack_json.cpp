// https://www.rfc-editor.org/rfc/rfc8259. Numbers are written in their shortest form that reads
// back the same.
#include "base/base64.hpp"
#include "base/utf8.hpp"

#include "logs/msgpack.hpp"
#include "logs/plain_text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace quern::logs::msgpack {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";
constexpr std::string_view kHexDigits = "0123456789abcdef";

void put_escaped(std::string& out, char c) {
  static constexpr std::string_view kShort = "\b\t\n\f\r\"\\";
  static constexpr std::string_view kLetters = "btnfr\"\\";
  out.push_back('\\');
  if (const std::size_t at = kShort.find(c); at != std::string_view::npos)
    return out.push_back(kLetters[at]);
  out.append("u00");
  out.push_back(kHexDigits[static_cast<unsigned char>(c) >> 4U]);
  out.push_back(kHexDigits[static_cast<unsigned char>(c) & 15U]);
}

template <class Number>
void put_number(std::string& out, Number number) {
  std::array<char, 32> digits{};
  out.append(digits.data(),
             std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

void put_scalar(std::string& out, const Token& token) {
  switch (token.type) {
    case Type::boolean: out.append(token.truth ? "true" : "false"); return;
    case Type::natural: return put_number(out, token.natural);
    case Type::negative: return put_number(out, token.negative);
    case Type::string:
    case Type::binary: return json_text(as_text(token.bytes), out);
    case Type::floating:
      if (std::isfinite(token.floating)) return put_number(out, token.floating);
      out.append("null");
      return;
    case Type::extension:
      out.append("{\"type\":");
      put_number(out, static_cast<int>(token.extension));
      out.append(",\"base64\":\"").append(to_base64(token.bytes)).append("\"}");
      return;
    default: out.append("null");
  }
}

// An array or map that is not at its end.
struct Open {
  bool map = false;
  bool key = false;  // the next object is a key
  std::uint32_t left = 0;
};

class Writing {
 public:
  Writing(ByteView object, std::string& out) : reader_(object), out_(out) {}

  Result<> run() {
    do {
      const bool key = depth_ > 0 && open_[depth_ - 1].key;
      const Token token = TRY(reader_.next());
      if (token.type == Type::array || token.type == Type::map) {
        if (key) return fail(ErrorKind::unsupported, "a key of a map is no text and no number");
        TRY(begin(token));
      } else {
        put(token, key);
      }
      after();
    } while (depth_ > 0);
    if (!reader_.done())
      return fail(ErrorKind::corrupt_data, "there is more than one msgpack object");
    return {};
  }

 private:
  Result<> begin(const Token& token) {
    if (depth_ == kDeepest) {
      return fail(ErrorKind::unsupported,
                  "a record is more than " + std::to_string(kDeepest) + " levels deep");
    }
    const bool map = token.type == Type::map;
    out_.push_back(map ? '{' : '[');
    open_[depth_++] = {.map = map, .key = map, .left = token.count};
    began_ = true;
    return {};
  }

  void put(const Token& token, bool key) {
    const bool text = token.type == Type::string || token.type == Type::binary;
    if (key && !text) {
      std::string name;
      put_scalar(name, token);
      return json_text(name, out_);
    }
    put_scalar(out_, token);
  }

  // What stands between the object just written and the next.
  void after() {
    if (!std::exchange(began_, false)) {
      if (depth_ == 0) return;
      Open& in = open_[depth_ - 1];
      if (in.key) {
        in.key = false;
        out_.push_back(':');
        return;
      }
      in.key = in.map;
      if (--in.left > 0) return out_.push_back(',');
    }
    close();
  }

  // Ends what has nothing left; what it stood in goes on.
  void close() {
    while (depth_ > 0 && open_[depth_ - 1].left == 0) {
      out_.push_back(open_[--depth_].map ? '}' : ']');
      if (depth_ == 0) return;
      Open& in = open_[depth_ - 1];
      in.key = in.map;
      if (--in.left > 0) return out_.push_back(',');
    }
  }

  Reader reader_;
  std::string& out_;
  // On the stack: a record is small, and an allocation would be a tenth of its time.
  std::array<Open, kDeepest> open_{};
  std::size_t depth_ = 0;
  bool began_ = false;  // the last token began an array or map
};

}  // namespace

void json_text(std::string_view text, std::string& out) {
  out.push_back('"');
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t plain = plain_prefix(text.substr(at));
    out.append(text, at, plain);
    at += plain;
    if (at == text.size()) break;
    const std::size_t size = first_character(text.substr(at)).bytes;
    if (size > 1) {
      out.append(text, at, size);
    } else if (size == 1) {
      put_escaped(out, text[at]);
    } else {
      out.append(kReplacement);
    }
    at += size == 0 ? 1 : size;
  }
  out.push_back('"');
}

Result<> to_json(ByteView object, std::string& out) { return Writing(object, out).run(); }

}  // namespace quern::logs::msgpack
