// What a person may say about the filter `insight` (docs/guides/pipelines/model.md).
#pragma once

#include "base/settings.hpp"

#include "insight/budget.hpp"
#include "insight/label.hpp"
#include "insight/prompt.hpp"
#include "insight/rules.hpp"
#include "insight/session_tracker.hpp"
#include "mining/gate.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace quern::insight {

struct InsightOptions {
  LabelOptions label;
  mining::MinerOptions miner;
  mining::GateOptions gate;
  std::string severity_key;
  PromptOptions prompt;
  Vocabulary words;
  std::uint64_t policy_version = 1;
  std::size_t question_lines = 3;
  std::size_t examples = 4;
  std::optional<std::chrono::milliseconds> wait;  // absent: no record waits for a verdict
  std::chrono::milliseconds deadline{30'000};     // of one answer
  std::chrono::milliseconds retry{60'000};        // after an answer that failed, doubled each time
  std::size_t queue = 64;
  BudgetLimits budget;

  std::string session_key;
  std::optional<SessionPattern> session_pattern;
  SessionOptions sessions;

  enum class Ship : std::uint8_t { all, verdicts };
  Ship ship = Ship::all;
  std::uint64_t sample = 1;  // of lines that a verdict calls normal, one in so many is shipped
  std::chrono::milliseconds window{60'000};
  std::size_t exemplars = 3;
  Bytes ring = 1_GiB;
  enum class Summaries : std::uint8_t { no, yes };
  Summaries summaries = Summaries::no;

  std::string verdict_tag = "verdict";
  std::string alert_tag = "alert";
  std::string summary_tag = "summary";
  std::chrono::milliseconds save_every{60'000};
  std::size_t top = 20;

  bool has_sessions() const { return !session_key.empty() || session_pattern.has_value(); }
};

// Without the actions, whose names the caller adds to `words`.
Result<InsightOptions> read_options(Settings& settings);
Result<Rules> read_rules(Settings& settings);

}  // namespace quern::insight
