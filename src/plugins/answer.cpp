// A function of Fluent Bit's filters returns an address and no length: a text ends with a zero
// byte, and an empty one means that the record is dropped.
#include "plugins/answer.hpp"

#include "logs/batch.hpp"
#include "logs/json.hpp"
#include "logs/msgpack.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace quern::plugins {
namespace {

using logs::msgpack::Reader;
using logs::msgpack::Token;
using logs::msgpack::Type;

// Of a text; escapes make it longer than the record that it is.
constexpr std::size_t kLongestText = 8 * logs::kLargestRecord.count;

Answer failed(Fault fault, std::string why) {
  return {.verdict = Verdict::fault, .fault = fault, .why = std::move(why)};
}

Answer outside(std::uint32_t returned) {
  return failed(Fault::bad_address,
                "it returned the address " + std::to_string(returned) + ", where no memory is");
}

Answer too_large(std::size_t size) {
  return failed(Fault::too_large,
                "it returned a record of " + std::to_string(size) + " bytes, more than 1 MiB");
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

std::string_view to_string(Fault fault) {
  static constexpr std::array<std::string_view, kFaults> kNames = {
      "trap",        "time",        "memory",    "not_json", "not_object",
      "not_msgpack", "bad_address", "too_large", "unfit",    "out_of_work"};
  return kNames.at(static_cast<std::size_t>(fault));
}

Answer read_json(std::span<const std::byte> memory, std::uint32_t returned, std::string_view given,
                 Buffer& into) {
  if (returned == 0) return {.verdict = Verdict::drop};
  if (returned >= memory.size()) return outside(returned);
  const char* const begin = reinterpret_cast<const char*>(memory.data()) + returned;
  const std::size_t most = std::min(memory.size() - returned, kLongestText);
  const void* const zero = std::memchr(begin, 0, most);
  if (zero == nullptr) {
    return failed(Fault::bad_address, "what it returned does not end with a zero byte");
  }
  const std::string_view text(begin, static_cast<const char*>(zero));
  if (text.empty()) return {.verdict = Verdict::drop};
  if (text == given) return {.verdict = Verdict::unchanged};
  into.clear();
  const Result<> read = logs::from_json(text, into);
  const auto first = std::ranges::find_if_not(text, is_space);
  const bool begins_object = first != text.end() && *first == '{';
  if (!read.ok()) {
    // The first of two objects was one.
    const bool two =
        begins_object && read.error().message().find("more follows") != std::string::npos;
    return failed(two ? Fault::not_object : Fault::not_json,
                  "it returned " + read.error().message());
  }
  if (!begins_object) return failed(Fault::not_object, "it returned JSON that is no object");
  if (into.size() > logs::kLargestRecord.count) return too_large(into.size());
  return {.verdict = Verdict::changed, .record = into};
}

Answer read_msgpack(std::span<const std::byte> memory, std::uint32_t returned, Buffer& into) {
  if (returned == 0) return {.verdict = Verdict::drop};
  if (returned >= memory.size()) return outside(returned);
  const ByteView rest = memory.subspan(returned);
  Reader ahead(rest);
  const Result<Token> first = ahead.next();
  if (!first.ok() || first->type != Type::map) {
    return failed(Fault::not_msgpack, "it returned no msgpack map");
  }
  Reader reader(rest.first(std::min(rest.size(), logs::kLargestRecord.count + 1)));
  const Result<ByteView> map = reader.skip();
  if (!map.ok()) {
    return failed(Fault::not_msgpack, "it returned msgpack without an end within 1 MiB");
  }
  if (map->size() > logs::kLargestRecord.count) return too_large(map->size());
  into.assign(map->begin(), map->end());
  return {.verdict = Verdict::changed, .record = into};
}

}  // namespace quern::plugins
