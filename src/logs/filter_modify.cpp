// Fields come, go and are called differently. What is done is done in one order, whatever the
// file's: rename, copy, lift, nest, remove, set, add.
#include "logs/filter_parts.hpp"
#include "logs/map_builder.hpp"
#include "logs/pairs.hpp"
#include "logs/record.hpp"
#include "logs/regex.hpp"

#include <algorithm>

namespace quern::logs {
namespace {

using Names = std::vector<std::pair<std::string, std::string>>;

struct Modifying {
  // Which records, all of it.
  std::vector<std::pair<FieldName, Regex>> when;
  std::vector<std::string> when_exists;
  std::vector<std::string> when_absent;
  // "from" to "to"; the hard ones replace what is there.
  Names rename, hard_rename, copy, hard_copy;
  std::vector<std::string> lift;  // the pairs of the map there become the record's own
  std::string nest_under;
  std::vector<std::string> nest;  // patterns of names
  std::vector<std::string> remove;
  Names set;  // replaces
  Names add;  // where there is none
};

enum class Hard : std::uint8_t { no, yes };
enum class Keep : std::uint8_t { no, yes };

Result<> move_fields(Buffer& record, const Names& names, Hard hard, Keep keep) {
  for (const auto& [from, to] : names) {
    const auto value = field(record, from);
    if (!value || (hard == Hard::no && field(record, to))) continue;
    Buffer held(value->begin(), value->end());
    if (keep == Keep::no) record = TRY(without_field(record, from));
    record = TRY(with_field(record, to, held));
  }
  return {};
}

bool matches_one(const std::vector<std::string>& patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return tag_matches(pattern, name); });
}

Result<> lift_fields(Buffer& record, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const auto inner = field(record, name);
    if (!inner || !Pairs::of(*inner).ok()) continue;
    const Buffer pairs(inner->begin(), inner->end());
    record = TRY(without_field(record, name));
    record = TRY(merged(record, pairs));
  }
  return {};
}

// Those that match go to the map `inner`, if there is one, or away.
Result<> take_out(Buffer& record, const std::vector<std::string>& patterns, MapBuilder* inner) {
  MapBuilder rest;
  rest.reserve(record.size());
  Pairs pairs = TRY(Pairs::of(record));
  bool any = false;
  while (const std::optional<Pair> pair = TRY(pairs.next())) {
    const bool taken = !pair->key.empty() && matches_one(patterns, pair->key);
    any = any || taken;
    if (!taken) rest.pair(pair->key_bytes, pair->value);
    if (taken && inner != nullptr) inner->pair(pair->key_bytes, pair->value);
  }
  if (any) record = rest.finish();
  return {};
}

class ModifyFilter final : public Filter {
 public:
  ModifyFilter(const StageWorld& world, Modifying what)
      : name_(world.name), what_(std::move(what)) {}

  Filtered apply(Batch batch, const std::stop_token& /*stop*/) override {
    Filtered out;
    for (const Entry& entry : batch) {
      if (!meant(entry)) {
        out.kept.add(entry);
        continue;
      }
      Buffer record(entry.record.begin(), entry.record.end());
      const Result<> changed = change(record);
      const bool fits = record.size() + entry.metadata.size() <= kLargestRecord.count;
      if (changed.ok() && fits) {
        out.kept.add(entry.tag, entry.time, record, entry.metadata);
      } else {
        take_fault(out, entry, OnFault::dead_letter, name_,
                   fits ? changed.error().describe() : "it becomes larger than 1 MiB");
      }
    }
    return out;
  }

 private:
  bool meant(const Entry& entry) const {
    for (const auto& [name, pattern] : what_.when) {
      std::string held;
      const auto text = name.read(entry, held);
      if (!text || !found_in(*pattern, *text)) return false;
    }
    const auto there = [&](const std::string& name) {
      return field(entry.record, name).has_value();
    };
    return std::all_of(what_.when_exists.begin(), what_.when_exists.end(), there) &&
           std::none_of(what_.when_absent.begin(), what_.when_absent.end(), there);
  }

  Result<> change(Buffer& record) const {
    TRY(move_fields(record, what_.rename, Hard::no, Keep::no));
    TRY(move_fields(record, what_.hard_rename, Hard::yes, Keep::no));
    TRY(move_fields(record, what_.copy, Hard::no, Keep::yes));
    TRY(move_fields(record, what_.hard_copy, Hard::yes, Keep::yes));
    TRY(lift_fields(record, what_.lift));
    if (!what_.nest.empty()) TRY(nest(record));
    if (!what_.remove.empty()) TRY(take_out(record, what_.remove, nullptr));
    for (const auto& [name, value] : what_.set) record = TRY(with_text(record, name, value));
    for (const auto& [name, value] : what_.add) {
      if (!field(record, name)) record = TRY(with_text(record, name, value));
    }
    return {};
  }

  Result<> nest(Buffer& record) const {
    MapBuilder inner;
    TRY(take_out(record, what_.nest, &inner));
    if (inner.count() == 0) return {};
    record = TRY(with_field(record, what_.nest_under, inner.finish()));
    return {};
  }

  const std::string name_;
  const Modifying what_;
};

}  // namespace

MadeFilter make_modify(Settings& settings, const StageWorld& world) {
  Modifying what;
  for (auto& [name, pattern] : TRY(settings.pairs("when"))) {
    Result<Regex> regex = compile_regex(pattern);
    if (!regex.ok()) return settings.wrong("when", name + ": " + regex.error().message());
    what.when.emplace_back(FieldName(name), *std::move(regex));
  }
  what.when_exists = TRY(settings.texts("when_exists"));
  what.when_absent = TRY(settings.texts("when_absent"));
  what.rename = TRY(settings.pairs("rename"));
  what.hard_rename = TRY(settings.pairs("hard_rename"));
  what.copy = TRY(settings.pairs("copy"));
  what.hard_copy = TRY(settings.pairs("hard_copy"));
  what.lift = TRY(settings.texts("lift"));
  what.nest = TRY(settings.texts("nest"));
  what.nest_under = TRY(settings.text_or("nest_under", ""));
  if (what.nest.empty() != what.nest_under.empty())
    return settings.wrong("nest_under", "stands with nest: which fields, and under which name");
  what.remove = TRY(settings.texts("remove"));
  what.set = TRY(settings.pairs("set"));
  what.add = TRY(settings.pairs("add"));
  return std::unique_ptr<Filter>(std::make_unique<ModifyFilter>(world, std::move(what)));
}

}  // namespace quern::logs
