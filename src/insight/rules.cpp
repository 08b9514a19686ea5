#include "insight/rules.hpp"

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>
#include <utility>

namespace quern::insight {
namespace {

re2::RE2::Options quiet() {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_encoding(re2::RE2::Options::EncodingLatin1);  // a line is bytes
  return options;
}

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

struct Rules::Patterns {
  Patterns() : set(quiet(), re2::RE2::UNANCHORED) {}
  re2::RE2::Set set;
  std::vector<std::string> names;
  std::optional<mining::Severity> alarm_at;
  const std::string severity = "severity";
};

Rules::Rules(std::unique_ptr<Patterns> patterns) : patterns_(std::move(patterns)) {}
Rules::Rules(Rules&&) noexcept = default;
Rules& Rules::operator=(Rules&&) noexcept = default;
Rules::~Rules() = default;

Result<Rules> Rules::create(std::vector<std::string> always_alert,
                            std::optional<mining::Severity> alarm_at) {
  auto patterns = std::make_unique<Patterns>();
  patterns->alarm_at = alarm_at;
  for (const std::string& pattern : always_alert) {
    std::string wrong;
    if (patterns->set.Add(pattern, &wrong) < 0) {
      return fail(ErrorKind::invalid_argument,
                  "\"" + pattern + "\" is no regular expression: " + wrong);
    }
  }
  patterns->names = std::move(always_alert);
  if (!patterns->names.empty() && !patterns->set.Compile()) {
    return fail(ErrorKind::invalid_argument, "together the expressions are too large");
  }
  return Rules(std::move(patterns));
}

const std::string* Rules::broken_by(std::string_view line, mining::Severity severity) const {
  if (!patterns_->names.empty()) {
    std::vector<int> matched;
    re2::RE2::Set::ErrorInfo problem{};
    if (patterns_->set.Match(piece(line), &matched, &problem)) {
      return &patterns_->names[static_cast<std::size_t>(
          *std::min_element(matched.begin(), matched.end()))];
    }
    // A line that could not be looked at is not let pass as harmless.
    if (problem.kind == re2::RE2::Set::kOutOfMemory) return &patterns_->names.front();
  }
  const bool bad = patterns_->alarm_at && severity <= *patterns_->alarm_at;
  return bad ? &patterns_->severity : nullptr;
}

struct SessionPattern::Pattern {
  explicit Pattern(const std::string& text) : expression(text, quiet()) {}
  re2::RE2 expression;
};

SessionPattern::SessionPattern(std::unique_ptr<Pattern> pattern) : pattern_(std::move(pattern)) {}
SessionPattern::SessionPattern(SessionPattern&&) noexcept = default;
SessionPattern& SessionPattern::operator=(SessionPattern&&) noexcept = default;
SessionPattern::~SessionPattern() = default;

Result<SessionPattern> SessionPattern::create(const std::string& pattern) {
  auto made = std::make_unique<Pattern>(pattern);
  if (!made->expression.ok()) {
    return fail(ErrorKind::invalid_argument,
                "is no regular expression: " + made->expression.error());
  }
  if (made->expression.NumberOfCapturingGroups() != 1) {
    return fail(ErrorKind::invalid_argument, "needs one group: what a session is called");
  }
  return SessionPattern(std::move(made));
}

std::optional<std::string_view> SessionPattern::find(std::string_view line) const {
  re2::StringPiece found;
  if (!re2::RE2::PartialMatch(piece(line), pattern_->expression, &found)) return std::nullopt;
  return std::string_view(found.data(), found.size());
}

}  // namespace quern::insight
