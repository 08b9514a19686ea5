#include "logs/map_builder.hpp"
#include "logs/parsers.hpp"
#include "logs/regex.hpp"

#include <array>
#include <map>

namespace quern::logs {
namespace {

constexpr int kMostGroups = 64;

class RegexParser final : public Parser {
 public:
  RegexParser(Regex regex, std::map<int, std::string> names)
      : regex_(std::move(regex)), names_(std::move(names)) {}

  Result<Parsed> parse(std::string_view text, EventTime /*received*/) const override {
    std::array<re2::StringPiece, kMostGroups + 1> groups;
    const int count = regex_->NumberOfCapturingGroups() + 1;
    if (!regex_->Match({text.data(), text.size()}, 0, text.size(), re2::RE2::UNANCHORED,
                       groups.data(), count)) {
      return fail(ErrorKind::corrupt_data, "the text does not match the pattern");
    }
    MapBuilder record;
    record.reserve(text.size() + 16 * names_.size());
    for (const auto& [group, name] : names_) {
      const re2::StringPiece& value = groups[static_cast<std::size_t>(group)];
      // A group that took no part says nothing; an empty one says "".
      if (value.data() != nullptr) record.text(name, {value.data(), value.size()});
    }
    return Parsed{.record = record.finish()};
  }

 private:
  const Regex regex_;
  const std::map<int, std::string> names_;  // by group, in the order of the pattern
};

}  // namespace

Result<std::shared_ptr<const Parser>> regex_parser(const std::string& pattern) {
  Regex regex = TRY(compile_regex(pattern));
  if (regex->NumberOfCapturingGroups() > kMostGroups) {
    return fail(ErrorKind::invalid_argument, "has more than 64 groups");
  }
  const std::map<int, std::string> names = regex->CapturingGroupNames();
  if (names.empty()) {
    return fail(ErrorKind::invalid_argument, "has no named group, as in (?<level>[A-Z]+)");
  }
  return std::shared_ptr<const Parser>(std::make_shared<RegexParser>(std::move(regex), names));
}

}  // namespace quern::logs
