// RapidJSON reads, msgpack is written as its events come: the size of a map is known at its end
// only, so its first byte waits and is replaced.
#include "logs/json.hpp"

#include "logs/msgpack.hpp"
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <charconv>
#include <string>
#include <vector>

namespace quern::logs {
namespace {

using msgpack::Writer;

constexpr unsigned kParse = rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag |
                            rapidjson::kParseValidateEncodingFlag;

// Its methods are named by RapidJSON.
class Events {
 public:
  explicit Events(Buffer& out) : out_(out), writer_(out) {}

  // NOLINTBEGIN(readability-identifier-naming)
  bool Null() {
    writer_.nil();
    return true;
  }
  bool Bool(bool value) {
    writer_.boolean(value);
    return true;
  }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool /*copy*/) {
    const char* const end = text + size;
    if (*text == '-') {
      std::int64_t whole = 0;
      if (const auto [rest, problem] = std::from_chars(text, end, whole);
          rest == end && problem == std::errc{} && whole != 0) {
        writer_.integer(whole);
        return true;
      }
    } else {
      std::uint64_t whole = 0;
      if (const auto [rest, problem] = std::from_chars(text, end, whole);
          rest == end && problem == std::errc{}) {
        writer_.natural(whole);
        return true;
      }
    }
    double number = 0;
    const auto [rest, problem] = std::from_chars(text, end, number);
    // Too small or too large for a double: what it is nearest to cannot be told from here.
    if (problem != std::errc{} || rest != end) return false;
    writer_.floating(number);
    return true;
  }
  bool String(const char* text, rapidjson::SizeType size, bool /*copy*/) {
    writer_.string({text, size});
    return true;
  }
  bool Key(const char* text, rapidjson::SizeType size, bool copy) {
    return String(text, size, copy);
  }
  bool StartObject() { return begin(); }
  bool EndObject(rapidjson::SizeType count) { return end(count, 0x80, 0xde); }
  bool StartArray() { return begin(); }
  bool EndArray(rapidjson::SizeType count) { return end(count, 0x90, 0xdc); }
  // RapidJSON asks for these, and calls RawNumber in their place.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(std::int64_t) { return false; }
  bool Uint64(std::uint64_t) { return false; }
  bool Double(double) { return false; }
  // NOLINTEND(readability-identifier-naming)

 private:
  bool begin() {
    if (open_.size() == msgpack::kDeepest) return false;
    open_.push_back(out_.size());
    out_.push_back(std::byte{0});
    return true;
  }
  // `few`: the header of up to 15, `many` that with 16 bits, and with 32 behind it.
  bool end(rapidjson::SizeType count, unsigned few, unsigned many) {
    const std::size_t at = open_.back();
    open_.pop_back();
    if (count < 16) {
      out_[at] = static_cast<std::byte>(few | count);
      return true;
    }
    Buffer head;
    const bool wide = count > 0xffff;
    out_[at] = static_cast<std::byte>(wide ? many + 1 : many);
    for (int shift = wide ? 24 : 8; shift >= 0; shift -= 8)
      head.push_back(static_cast<std::byte>(count >> static_cast<unsigned>(shift)));
    out_.insert(out_.begin() + static_cast<std::ptrdiff_t>(at) + 1, head.begin(), head.end());
    return true;
  }

  Buffer& out_;
  Writer writer_;
  std::vector<std::size_t> open_;  // where the first bytes wait
};

std::string_view why(rapidjson::ParseErrorCode code) {
  if (code == rapidjson::kParseErrorTermination) return "too deep, or a number out of range";
  return rapidjson::GetParseError_En(code);
}

}  // namespace

Result<> from_json(std::string_view json, Buffer& out) {
  const std::size_t before = out.size();
  Events events(out);
  rapidjson::Reader reader;
  rapidjson::MemoryStream stream(json.data(), json.size());
  rapidjson::ParseResult result = reader.Parse<kParse>(stream, events);
  // RapidJSON takes a zero byte for the end.
  if (!result.IsError() && stream.Tell() != json.size())
    result.Set(rapidjson::kParseErrorDocumentRootNotSingular, stream.Tell());
  if (!result.IsError()) return {};
  out.resize(before);
  return fail(ErrorKind::corrupt_data, "no JSON at byte " + std::to_string(result.Offset()) + ": " +
                                           std::string(why(result.Code())));
}

}  // namespace quern::logs
