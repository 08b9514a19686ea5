// What came within one window of time, by template, and what of it is told.
#pragma once

#include "base/clock.hpp"

#include "insight/insight.hpp"
#include "logs/batch.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace quern::insight {

struct WindowCount {
  std::uint64_t lines = 0;
  std::uint64_t anomalies = 0;  // of them
  bool is_new = false;          // began in this window
  std::uint32_t raw = 0;        // shipped as they are
};

// Counted by the time at which records came, not by the time they say.
struct Window {
  Clock::Time begin{};
  std::int64_t date = 0;  // seconds since 1970
  std::uint64_t lines = 0;
  std::uint64_t bytes = 0;
  std::unordered_map<mining::TemplateId, WindowCount> templates;
  // Templates and rules for which an alert went out.
  std::set<std::pair<mining::TemplateId, std::string>> alarmed;
};

// The texts of templates are told with their first count, and again every so many windows: whoever
// begins to read later learns them, too.
class Told {
 public:
  bool is_due(mining::TemplateId id, const std::string& text);
  void next_window();
  // Of templates that went.
  void forget(const std::function<bool(mining::TemplateId)>& went);

 private:
  static constexpr std::uint32_t kAgain = 60;
  struct Text {
    std::uint64_t window = 0;
    std::size_t hash = 0;  // it may have become wider
  };
  std::uint64_t window_ = 0;
  std::unordered_map<mining::TemplateId, Text> texts_;
};

// {"window": {"from", "to"}, "lines", "bytes", "templates": [{"id", "count", "anomalies"?, "new"?,
// "text"?}]}, in records of at most 1000 templates.
void write_counts(const Window& window, std::int64_t to,
                  const std::function<const std::string&(mining::TemplateId)>& text_of, Told& told,
                  std::string_view tag, logs::Batch& into);

// The lines of a summary: what is new or unusual, and what there was most of.
std::vector<std::string> summary_lines(
    const Window& window, const std::function<const std::string&(mining::TemplateId)>& text_of);

}  // namespace quern::insight
