#include "base/text.hpp"

#include "logs/map_builder.hpp"
#include "logs/parsers.hpp"

#include <algorithm>

namespace quern::logs {
namespace {

class FinishingParser final : public Parser {
 public:
  FinishingParser(std::shared_ptr<const Parser> inner, Finish finish)
      : inner_(std::move(inner)), finish_(std::move(finish)) {}
  Result<Parsed> parse(std::string_view text, EventTime received) const override {
    Parsed parsed = TRY(inner_->parse(text, received));
    TRY(finish_.apply(parsed, received));
    return parsed;
  }

 private:
  const std::shared_ptr<const Parser> inner_;
  const Finish finish_;
};

// Writes the text as what it should be; false: it is none.
bool put_as(MapBuilder& map, const Pair& pair, std::string_view text, Finish::As as) {
  if (as == Finish::As::whole) {
    const auto number = parse_number<std::int64_t>(text);
    if (number.ok()) map.key(pair.key).integer(*number);
    return number.ok();
  }
  if (as == Finish::As::decimal) {
    const auto number = parse_number<double>(text);
    if (number.ok()) map.key(pair.key).floating(*number);
    return number.ok();
  }
  const bool yes = equal_ignoring_case(text, "true") || text == "1";
  const bool no = equal_ignoring_case(text, "false") || text == "0";
  if (as == Finish::As::truth && (yes || no)) map.key(pair.key).boolean(yes);
  return as == Finish::As::truth && (yes || no);
}

// The value as text, numbers included.
std::optional<std::string> written(ByteView value) {
  if (const auto text = text_of(value)) return std::string(*text);
  std::string json;
  if (!msgpack::to_json(value, json).ok()) return std::nullopt;
  return json;
}

Result<Finish::As> read_type(const std::string& name, const Settings& settings) {
  if (name == "string") return Finish::As::text;
  if (name == "integer") return Finish::As::whole;
  if (name == "float") return Finish::As::decimal;
  if (name == "bool") return Finish::As::truth;
  return settings.wrong("types", "knows string, integer, float and bool, not \"" + name + "\"");
}

}  // namespace

Result<std::optional<Finish>> Finish::read(Settings& settings, Zone zone) {
  Finish finish{.zone = zone};
  finish.time_key = TRY(settings.text_or("time_key", ""));
  auto format = TimeFormat::parse(TRY(settings.text_or("time_format", "iso8601")));
  if (!format.ok()) return settings.wrong("time_format", format.error().message());
  if (settings.has("time_format") && finish.time_key.empty())
    return settings.wrong("time_format", "needs a time_key: the field that is the time");
  finish.format = *std::move(format);
  finish.keep_time = TRY(settings.flag_or("keep_time", false));
  for (const auto& [name, type] : TRY(settings.pairs("types"))) {
    finish.types.emplace_back(name, TRY(read_type(type, settings)));
  }
  if (finish.time_key.empty() && finish.types.empty()) return std::optional<Finish>();
  return std::optional<Finish>(std::move(finish));
}

Result<> Finish::apply(Parsed& parsed, EventTime received) const {
  MapBuilder map;
  map.reserve(parsed.record.size() + 16);
  Pairs pairs = TRY(Pairs::of(parsed.record));
  while (const std::optional<Pair> pair = TRY(pairs.next())) {
    if (!time_key.empty() && pair->key == time_key) {
      const std::optional<std::string> text = written(pair->value);
      const auto time =
          text ? format->read(*text, received, zone) : fail(ErrorKind::corrupt_data, "no time");
      if (time.ok()) parsed.time = *time;
      if (time.ok() && !keep_time) continue;
    }
    const auto type = std::find_if(types.begin(), types.end(),
                                   [&](const auto& named) { return named.first == pair->key; });
    const bool named = type != types.end() && !pair->key.empty();
    if (named && type->second == As::text && !text_of(pair->value)) {
      if (const auto text = written(pair->value)) {
        map.text(pair->key, *text);
        continue;
      }
    }
    const auto text = named ? text_of(pair->value) : std::nullopt;
    if (text && put_as(map, *pair, *text, type->second)) continue;
    map.pair(pair->key_bytes, pair->value);
  }
  parsed.record = map.finish();
  return {};
}

std::shared_ptr<const Parser> finishing_parser(std::shared_ptr<const Parser> inner, Finish finish) {
  return std::make_shared<FinishingParser>(std::move(inner), std::move(finish));
}

}  // namespace quern::logs
