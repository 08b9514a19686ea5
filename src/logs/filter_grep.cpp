// Records are kept or dropped by what their fields say.
#include "logs/filter_parts.hpp"
#include "logs/regex.hpp"

#include <algorithm>

namespace quern::logs {
namespace {

struct Condition {
  FieldName field;
  Regex pattern;
};

class GrepFilter final : public Filter {
 public:
  enum class Logic : std::uint8_t { all, any };
  GrepFilter(std::vector<Condition> include, std::vector<Condition> exclude, Logic logic)
      : include_(std::move(include)), exclude_(std::move(exclude)), logic_(logic) {}

  Filtered apply(Batch batch, const std::stop_token& /*stop*/) override {
    return only(std::move(batch), [&](const Entry& entry) { return wanted(entry); });
  }

 private:
  bool wanted(const Entry& entry) const {
    const auto holds = [&](const Condition& condition) {
      std::string held;
      const auto text = condition.field.read(entry, held);
      return text && found_in(*condition.pattern, *text);
    };
    if (std::any_of(exclude_.begin(), exclude_.end(), holds)) return false;
    if (include_.empty()) return true;
    return logic_ == Logic::all ? std::all_of(include_.begin(), include_.end(), holds)
                                : std::any_of(include_.begin(), include_.end(), holds);
  }

  const std::vector<Condition> include_;
  const std::vector<Condition> exclude_;
  const Logic logic_;
};

Result<std::vector<Condition>> read_conditions(Settings& settings, std::string_view key) {
  std::vector<Condition> all;
  for (auto& [name, pattern] : TRY(settings.pairs(key))) {
    Result<Regex> regex = compile_regex(pattern);
    if (!regex.ok()) return settings.wrong(key, name + ": " + regex.error().message());
    all.push_back({.field = FieldName(name), .pattern = *std::move(regex)});
  }
  return all;
}

}  // namespace

MadeFilter make_grep(Settings& settings, const StageWorld& /*world*/) {
  auto include = TRY(read_conditions(settings, "include"));
  auto exclude = TRY(read_conditions(settings, "exclude"));
  if (include.empty() && exclude.empty())
    return settings.wrong("include", R"(is missing, as in include = { "@line" = "error|warn" })");
  const std::string logic = TRY(settings.one_of("logic", {"and", "or"}));
  // find: g++ 12 takes what == reads for uninitialized here.
  const bool any = logic.find("or") == 0;
  return std::unique_ptr<Filter>(
      std::make_unique<GrepFilter>(std::move(include), std::move(exclude),
                                   any ? GrepFilter::Logic::any : GrepFilter::Logic::all));
}

}  // namespace quern::logs
