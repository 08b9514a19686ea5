#include "insight/fields.hpp"

#include "base/text.hpp"

#include "logs/json.hpp"
#include "logs/msgpack.hpp"
#include "logs/record.hpp"

namespace quern::insight {
namespace {

using logs::msgpack::Token;
using logs::msgpack::Type;

constexpr Bytes kLargestFile = 256_MiB;

std::optional<Token> token_at(ByteView map, std::string_view key) {
  const auto value = logs::field(map, key);
  if (!value) return std::nullopt;
  const Result<Token> token = logs::msgpack::Reader(*value).next();
  if (!token.ok()) return std::nullopt;
  return *token;
}

}  // namespace

std::optional<double> number_field(ByteView map, std::string_view key) {
  const auto token = token_at(map, key);
  if (!token) return std::nullopt;
  switch (token->type) {
    case Type::natural: return static_cast<double>(token->natural);
    case Type::negative: return static_cast<double>(token->negative);
    case Type::floating: return token->floating;
    default: return std::nullopt;
  }
}

std::optional<std::uint64_t> natural_field(ByteView map, std::string_view key) {
  const auto token = token_at(map, key);
  if (!token || token->type != Type::natural) return std::nullopt;
  return token->natural;
}

std::optional<bool> flag_field(ByteView map, std::string_view key) {
  const auto token = token_at(map, key);
  if (!token || token->type != Type::boolean) return std::nullopt;
  return token->truth;
}

std::string text_or_empty(ByteView map, std::string_view key) {
  return std::string(logs::text_field(map, key).value_or(""));
}

void add_json_line(ByteView map, std::string& out) {
  const std::size_t before = out.size();
  if (!logs::msgpack::to_json(map, out).ok()) out.resize(before);  // never of what is written here
  out.push_back('\n');
}

Result<> read_json_lines(Files& files, const std::filesystem::path& file,
                         const std::function<Result<>(ByteView map)>& each) {
  const Result<Buffer> text = files.read(file, kLargestFile);
  if (!text.ok() && text.error().kind() == ErrorKind::not_found) return {};
  if (!text.ok()) return fail(text.error());
  std::size_t number = 0;
  for (const std::string_view line : split(as_text(*text), '\n')) {
    ++number;
    if (line.empty()) continue;
    Buffer map;
    Result<> read = logs::from_json(line, map);
    if (read.ok()) read = each(map);
    if (!read.ok()) {
      return fail(ErrorKind::corrupt_data,
                  file.string() + ":" + std::to_string(number) + ": " + read.error().describe());
    }
  }
  return {};
}

}  // namespace quern::insight
