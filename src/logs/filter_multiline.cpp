// Lines that belong together become one record, by a pattern of first lines or by rules for what
// languages print when they fail. State per tag and stream.
#include "base/guarded.hpp"

#include "logs/filter_parts.hpp"
#include "logs/line_joiner.hpp"
#include "logs/record.hpp"
#include "logs/regex.hpp"

#include <array>

namespace quern::logs {
namespace {

// In this state a line of this form leads to that one.
struct Rule {
  int from = 0;
  std::string_view pattern;
  int to = 0;
};
constexpr int kNone = 0;  // no group is open
constexpr int kEnd = -1;  // the line is the last

constexpr std::array kJava{
    Rule{kNone, R"((?:Exception|Error|Throwable)(?::|\s|$)|^\s*Caused by: )", 1},
    Rule{1,
         R"(^\s+(?:at |\.\.\. \d+ |- )|^\s*(?:Caused by|Suppressed): |^\s+\S*(?:Exception|Error))",
         1}};
constexpr std::array kPython{
    Rule{kNone, R"(Traceback \(most recent call last\):\s*$)", 1}, Rule{1, R"(^\s+)", 1},
    // The line with the exception; another one may have come of it.
    Rule{1, R"(^\S)", 2},
    Rule{2, R"(^\s*$|^During handling of the above|^The above exception was)", 2},
    Rule{2, R"(^Traceback \(most recent call last\):\s*$)", 1}};
constexpr std::array kGo{
    Rule{kNone, R"(^(?:panic|fatal error): |http: panic serving )", 1},
    Rule{
        1,
        R"(^\s*$|^goroutine \d+ \[|^\[signal |^\t|^created by |^panic: |^exit status \d|^\S.*\(.*\)$)",
        1}};

struct CompiledRule {
  int from = 0;
  Regex pattern;
  int to = 0;
};

struct MultilineOptions {
  std::string key;  // empty: where the line is
  std::string stream_key;
  Regex start;                      // or
  std::vector<CompiledRule> rules;  // of one or several languages
};

class MultilineFilter final : public Filter {
 public:
  MultilineFilter(const StageWorld& world, MultilineOptions options, JoinLimits limits)
      : clock_(world.clock), options_(std::move(options)), joiner_(limits) {}

  Filtered apply(Batch batch, const std::stop_token& /*stop*/) override {
    Filtered out;
    for (const Entry& entry : batch) one(entry, out.kept);
    return out;
  }

  Filtered flush(Due due) override {
    Filtered out;
    auto joiner = joiner_.lock();
    joiner->flush(due, clock_.now(), out.kept);
    return out;
  }

  std::optional<Clock::Time> oldest_waiting() const override { return joiner_.lock()->oldest(); }

  std::vector<Figure> figures() const override {
    return {
        {.name = "filter_waiting_groups", .value = static_cast<double>(joiner_.lock()->waiting())}};
  }

 private:
  void one(const Entry& entry, Batch& out) {
    std::string stream(entry.tag);
    stream += '\0' + std::string(text_field(entry.record, options_.stream_key).value_or(""));
    const std::string_view key = options_.key.empty() ? line_key(entry.record) : options_.key;
    const auto text = text_field(entry.record, key);
    auto joiner = joiner_.lock();
    LineJoiner::Group* const group = joiner->find(stream);
    // What is no line ends what was open, so that the order holds.
    const int state = text && group != nullptr ? after(group->state, *text) : kNone;
    const Clock::Time now = clock_.now();
    if (state != kNone && joiner->append(*group, "\n", *text, now)) {
      group->state = state;
      if (state == kEnd) joiner->end(stream, out);
      return;
    }
    joiner->end(stream, out);
    // Of a group that became too long the rest is joined, too.
    int begun = state;
    if (text && begun == kNone) begun = after(kNone, *text);
    if (begun == kNone || begun == kEnd) return out.add(entry);
    joiner->begin(stream, entry, key, *text, now, out).state = begun;
  }

  // The state behind this line; kNone: it does not belong to what is open.
  int after(int state, std::string_view text) const {
    if (options_.start) {
      const bool first = found_in(*options_.start, text);
      return first == (state == kNone) ? 1 : kNone;
    }
    for (const CompiledRule& rule : options_.rules) {
      if (rule.from == state && found_in(*rule.pattern, text)) return rule.to;
    }
    return kNone;
  }

  Clock& clock_;
  const MultilineOptions options_;
  Guarded<LineJoiner> joiner_;
};

// States of several languages do not mix: each has its own hundred.
template <std::size_t Size>
Result<> add_rules(const std::array<Rule, Size>& rules, int language, MultilineOptions& options) {
  const auto own = [&](int state) { return state > 0 ? state + 100 * language : state; };
  for (const Rule& rule : rules) {
    options.rules.push_back(
        {.from = own(rule.from), .pattern = TRY(compile_regex(rule.pattern)), .to = own(rule.to)});
  }
  return {};
}

Result<> read_rules(Settings& settings, MultilineOptions& options) {
  const std::string start = TRY(settings.text_or("start", ""));
  const std::vector<std::string> languages = TRY(settings.texts("builtin"));
  if (start.empty() == languages.empty())
    return settings.wrong("start", "either start or builtin says which lines belong together");
  if (!start.empty()) {
    Result<Regex> regex = compile_regex(start);
    if (!regex.ok()) return settings.wrong("start", regex.error().message());
    options.start = *std::move(regex);
  }
  for (const std::string& language : languages) {
    if (language == "java") {
      TRY(add_rules(kJava, 0, options));
    } else if (language == "python") {
      TRY(add_rules(kPython, 1, options));
    } else if (language == "go") {
      TRY(add_rules(kGo, 2, options));
    } else {
      return settings.wrong("builtin", "knows java, python and go, not \"" + language + "\"");
    }
  }
  return {};
}

}  // namespace

MadeFilter make_multiline(Settings& settings, const StageWorld& world) {
  MultilineOptions options{.key = TRY(settings.text_or("key", "")),
                           .stream_key = TRY(settings.text_or("stream_key", "stream"))};
  TRY(read_rules(settings, options));
  JoinLimits limits;
  limits.lines =
      static_cast<std::uint32_t>(TRY(settings.number_or("max_lines", limits.lines, {2, 100'000})));
  limits.bytes = TRY(settings.bytes_or("max_bytes", limits.bytes));
  if (limits.bytes > Bytes{kLargestRecord.count / 2})
    return settings.wrong("max_bytes", "is above 512 KiB");
  limits.streams = static_cast<std::uint32_t>(
      TRY(settings.number_or("max_streams", limits.streams, {1, 100'000})));
  limits.waiting = TRY(settings.bytes_or("max_waiting", limits.waiting));
  limits.timeout = TRY(settings.duration_or("flush_timeout", limits.timeout));
  return std::unique_ptr<Filter>(
      std::make_unique<MultilineFilter>(world, std::move(options), limits));
}

}  // namespace quern::logs
