// A record gets another tag, made of what a field says: routes follow tags.
#include "logs/filter_parts.hpp"
#include "logs/regex.hpp"

#include <array>

namespace quern::logs {
namespace {

constexpr int kMostGroups = 9;

class RewriteTagFilter final : public Filter {
 public:
  RewriteTagFilter(FieldName key, Regex pattern, std::string tag, bool keep)
      : key_(std::move(key)), pattern_(std::move(pattern)), tag_(std::move(tag)), keep_(keep) {}

  Filtered apply(Batch batch, const std::stop_token& /*stop*/) override {
    Filtered out;
    std::string held;
    for (const Entry& entry : batch) {
      const auto text = key_.read(entry, held);
      const std::string tag = text ? rewritten(*text, entry.tag) : std::string();
      if (tag.empty() || keep_) out.kept.add(entry);
      if (!tag.empty()) out.kept.add(tag, entry.time, entry.record, entry.metadata);
    }
    return out;
  }

 private:
  // Empty: the pattern is not in the text.
  std::string rewritten(std::string_view text, std::string_view old) const {
    std::array<re2::StringPiece, kMostGroups + 1> groups;
    const int count = pattern_->NumberOfCapturingGroups() + 1;
    if (!pattern_->Match({text.data(), text.size()}, 0, text.size(), re2::RE2::UNANCHORED,
                         groups.data(), count)) {
      return {};
    }
    std::string tag;
    for (std::size_t at = 0; at < tag_.size(); ++at) {
      constexpr std::string_view kOld = "$TAG";
      if (tag_.compare(at, kOld.size(), kOld) == 0) {
        tag += old;
        at += kOld.size() - 1;
      } else if (tag_[at] == '$' && at + 1 < tag_.size() && tag_[at + 1] >= '0' &&
                 tag_[at + 1] <= '9') {
        const re2::StringPiece& group = groups[static_cast<std::size_t>(tag_[++at] - '0')];
        tag.append(group.data() == nullptr ? "" : group.data(), group.size());
      } else {
        tag.push_back(tag_[at]);
      }
    }
    return tag.substr(0, kLongestTag);
  }

  const FieldName key_;
  const Regex pattern_;
  const std::string tag_;
  const bool keep_;
};

}  // namespace

MadeFilter make_rewrite_tag(Settings& settings, const StageWorld& /*world*/) {
  auto keys = TRY(read_fields(settings, "key", {"@line"}));
  if (keys.size() != 1) return settings.wrong("key", "names one field");
  Result<Regex> pattern = compile_regex(TRY(settings.text("pattern")));
  if (!pattern.ok()) return settings.wrong("pattern", pattern.error().message());
  if ((*pattern)->NumberOfCapturingGroups() > kMostGroups)
    return settings.wrong("pattern", "has more than 9 groups");
  const std::string tag = TRY(settings.text("tag"));
  if (tag.empty()) return settings.wrong("tag", "is empty");
  const bool keep = TRY(settings.flag_or("keep", false));
  return std::unique_ptr<Filter>(
      std::make_unique<RewriteTagFilter>(std::move(keys.front()), *std::move(pattern), tag, keep));
}

}  // namespace quern::logs
