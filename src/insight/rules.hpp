// Lines that are alarms by a person's rule. Nothing that a model says is looked at here.
#pragma once

#include "base/result.hpp"

#include "mining/gate.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quern::insight {

class Rules {
 public:
  // invalid_argument: a pattern that is no regular expression (RE2's).
  static Result<Rules> create(std::vector<std::string> always_alert,
                              std::optional<mining::Severity> alarm_at);
  Rules(Rules&&) noexcept;
  Rules& operator=(Rules&&) noexcept;
  ~Rules();

  // The name of the first rule that the line breaks: a pattern, or "severity"; null: none. Lives as
  // long as *this. Of any thread.
  const std::string* broken_by(std::string_view line, mining::Severity severity) const;

 private:
  struct Patterns;
  explicit Rules(std::unique_ptr<Patterns> patterns);
  std::unique_ptr<Patterns> patterns_;
};

// The one group of a pattern, in lines: what a session is called.
class SessionPattern {
 public:
  // invalid_argument: it has not exactly one group.
  static Result<SessionPattern> create(const std::string& pattern);
  SessionPattern(SessionPattern&&) noexcept;
  SessionPattern& operator=(SessionPattern&&) noexcept;
  ~SessionPattern();
  std::optional<std::string_view> find(std::string_view line) const;

 private:
  struct Pattern;
  explicit SessionPattern(std::unique_ptr<Pattern> pattern);
  std::unique_ptr<Pattern> pattern_;
};

}  // namespace quern::insight
