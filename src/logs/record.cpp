#include "logs/record.hpp"

#include "logs/map_builder.hpp"
#include "logs/msgpack.hpp"
#include "logs/pairs.hpp"

#include <array>

namespace quern::logs {
namespace {

std::optional<ByteView> own_field(ByteView record, std::string_view key) {
  Result<Pairs> pairs = Pairs::of(record);
  if (!pairs.ok()) return std::nullopt;
  while (true) {
    const auto pair = pairs->next();
    if (!pair.ok() || !*pair) return std::nullopt;
    if ((*pair)->key == key) return (*pair)->value;
  }
}

}  // namespace

bool is_map(ByteView object) {
  msgpack::Reader reader(object);
  const Result<msgpack::Token> token = reader.next();
  return token.ok() && token->type == msgpack::Type::map;
}

std::optional<ByteView> field(ByteView record, std::string_view key) {
  if (const auto found = own_field(record, key)) return found;
  for (std::size_t dot = key.find('.'); dot != std::string_view::npos;
       dot = key.find('.', dot + 1)) {
    const auto inner = own_field(record, key.substr(0, dot));
    if (!inner) continue;
    if (const auto found = field(*inner, key.substr(dot + 1))) return found;
  }
  return std::nullopt;
}

std::optional<std::string_view> text_field(ByteView record, std::string_view key) {
  const auto found = field(record, key);
  return found ? text_of(*found) : std::nullopt;
}

Result<std::vector<std::pair<std::string_view, ByteView>>> fields(ByteView record) {
  Pairs pairs = TRY(Pairs::of(record));
  std::vector<std::pair<std::string_view, ByteView>> all;
  all.reserve(pairs.left());
  while (const std::optional<Pair> pair = TRY(pairs.next())) {
    if (text_of(pair->key_bytes)) all.emplace_back(pair->key, pair->value);
  }
  return all;
}

std::string_view line_key(ByteView record) {
  static constexpr std::array<std::string_view, 5> kNames{"log", "message", "msg", "MESSAGE",
                                                          "body"};
  for (const std::string_view name : kNames) {
    if (const auto found = own_field(record, name); found && text_of(*found)) return name;
  }
  return {};
}

std::optional<std::string_view> line_of(ByteView record) {
  if (const std::string_view key = line_key(record); !key.empty()) return text_field(record, key);
  Result<Pairs> pairs = Pairs::of(record);
  while (pairs.ok()) {
    const auto pair = pairs->next();
    if (!pair.ok() || !*pair) break;
    if (const auto text = text_of((*pair)->value)) return text;
  }
  return std::nullopt;
}

Result<Buffer> with_field(ByteView record, std::string_view key, ByteView value) {
  Pairs pairs = TRY(Pairs::of(record));
  MapBuilder map;
  map.reserve(record.size() + key.size() + value.size() + 16);
  bool placed = false;
  while (const std::optional<Pair> pair = TRY(pairs.next())) {
    const bool same = pair->key == key && !pair->key_bytes.empty();
    if (same && placed) continue;
    map.pair(pair->key_bytes, same ? value : pair->value);
    placed = placed || same;
  }
  if (!placed) map.key(key).raw(value);
  return map.finish();
}

Result<Buffer> with_text(ByteView record, std::string_view key, std::string_view value) {
  Buffer object;
  msgpack::Writer(object).string(value);
  return with_field(record, key, object);
}

Result<Buffer> without_field(ByteView record, std::string_view key) {
  Pairs pairs = TRY(Pairs::of(record));
  MapBuilder map;
  map.reserve(record.size());
  while (const std::optional<Pair> pair = TRY(pairs.next())) {
    if (pair->key != key) map.pair(pair->key_bytes, pair->value);
  }
  return map.finish();
}

Result<Buffer> merged(ByteView record, ByteView more) {
  Pairs pairs = TRY(Pairs::of(record));
  Pairs winners = TRY(Pairs::of(more));
  MapBuilder map;
  map.reserve(record.size() + more.size());
  while (const std::optional<Pair> pair = TRY(pairs.next())) {
    if (pair->key.empty() || !own_field(more, pair->key)) map.pair(pair->key_bytes, pair->value);
  }
  while (const std::optional<Pair> pair = TRY(winners.next())) {
    map.pair(pair->key_bytes, pair->value);
  }
  return map.finish();
}

void line_record(std::string_view key, std::string_view line, Buffer& into) {
  msgpack::Writer writer(into);
  writer.map(1);
  writer.string(key);
  writer.string(line);
}

}  // namespace quern::logs
