#include "logs/filters.hpp"

#include "logs/filter_parts.hpp"
#include "logs/msgpack.hpp"
#include "logs/pairs.hpp"
#include "logs/record.hpp"

#include <utility>

namespace quern::logs {

void add_filters(Makers& makers, std::shared_ptr<const Parsers> parsers) {
  makers.filters.emplace(
      "parse", [parsers = std::move(parsers)](Settings& settings, const StageWorld& world) {
        return make_parse(settings, world, *parsers);
      });
  makers.filters.emplace("multiline", make_multiline);
  makers.filters.emplace("grep", make_grep);
  makers.filters.emplace("modify", make_modify);
  makers.filters.emplace("throttle", make_throttle);
  makers.filters.emplace("dedupe", make_dedupe);
  makers.filters.emplace("sample", make_sample);
  makers.filters.emplace("rewrite_tag", make_rewrite_tag);
  makers.filters.emplace("mask", make_mask);
}

std::optional<std::string_view> FieldName::read(const Entry& entry, std::string& held) const {
  if (name_ == "@tag") return entry.tag;
  if (name_ == "@line") return line_of(entry.record);
  const auto value = field(entry.record, name_);
  if (!value) return std::nullopt;
  if (const auto text = text_of(*value)) return text;
  held.clear();
  if (!msgpack::to_json(*value, held).ok()) return std::nullopt;
  return held;
}

std::string together(const std::vector<FieldName>& fields, const Entry& entry) {
  std::string all;
  std::string held;
  for (const FieldName& name : fields) {
    const auto value = name.read(entry, held);
    // Its length before it: "ab" and "c" are not "a" and "bc", and none is not the empty text.
    all += value ? std::to_string(value->size()) + ":" : "-";
    all += value.value_or("");
  }
  return all;
}

Result<std::vector<FieldName>> read_fields(Settings& settings, std::string_view key,
                                           std::vector<std::string> fallback) {
  std::vector<std::string> names = TRY(settings.texts(key));
  if (names.empty()) names = std::move(fallback);
  std::vector<FieldName> fields;
  for (std::string& name : names) {
    if (name.empty() || (name.front() == '@' && name != "@tag" && name != "@line"))
      return settings.wrong(key, "names a field, \"@tag\" or \"@line\", not \"" + name + "\"");
    fields.emplace_back(std::move(name));
  }
  return fields;
}

}  // namespace quern::logs
