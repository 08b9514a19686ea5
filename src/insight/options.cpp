#include "insight/options.hpp"

#include "insight/severity.hpp"
#include "insight/templates_filter.hpp"
#include "logs/batch.hpp"

#include <utility>

namespace quern::insight {
namespace {

Result<mining::Severity> read_severity(Settings& settings, std::string_view key,
                                       mining::Severity fallback) {
  if (!settings.has(key)) return fallback;
  const auto severity = severity_named(TRY(settings.text(key)));
  if (!severity) {
    return settings.wrong(key,
                          "must be emergency, alert, critical, error, warning, notice, info "
                          "or debug");
  }
  return *severity;
}

Result<std::string> read_tag(Settings& settings, std::string_view key, std::string_view fallback) {
  std::string tag = TRY(settings.text_or(key, fallback));
  if (tag.empty() || tag.size() > logs::kLongestTag) {
    return settings.wrong(key, "must have 1 to 256 bytes");
  }
  return tag;
}

Result<> read_gate(Settings& settings, InsightOptions& options) {
  mining::GateOptions& gate = options.gate;
  options.window = TRY(settings.duration_or("window", options.window));
  if (options.window < std::chrono::seconds(1)) return settings.wrong("window", "is below 1s");
  gate.window = std::chrono::duration_cast<std::chrono::seconds>(options.window);
  gate.at_least = TRY(read_severity(settings, "ask_at", gate.at_least));
  gate.deviations = TRY(settings.decimal_or("deviations", gate.deviations, 1, 1000));
  gate.lines_to_learn = static_cast<std::uint32_t>(TRY(
      settings.number_or("lines_to_learn", gate.lines_to_learn, {.least = 10, .most = 1'000'000})));
  options.severity_key = TRY(settings.text_or("severity_key", ""));
  return {};
}

Result<> read_model(Settings& settings, InsightOptions& options) {
  options.prompt.policy = TRY(settings.text_or("policy", ""));
  if (options.prompt.policy.size() > 4096) return settings.wrong("policy", "is over 4096 bytes");
  options.policy_version =
      TRY(settings.number_or("policy_version", 1, {.least = 0, .most = 1'000'000}));
  options.prompt.line_bytes =
      TRY(settings.number_or("prompt_line_bytes", 400, {.least = 40, .most = 4096}));
  options.prompt.max_tokens = static_cast<std::uint32_t>(
      TRY(settings.number_or("answer_tokens", 320, {.least = 64, .most = 4096})));
  options.words.classes = TRY(settings.texts("classes"));
  if (options.words.classes.empty()) {
    options.words.classes = {"hardware",      "network",  "storage",  "security",
                             "configuration", "overload", "software", "other"};
  }
  options.question_lines =
      TRY(settings.number_or("question_lines", options.question_lines, {.least = 1, .most = 20}));
  options.examples =
      TRY(settings.number_or("examples", options.examples, {.least = 0, .most = 20}));
  if (settings.has("wait")) options.wait = TRY(settings.duration_or("wait", {}));
  options.deadline = TRY(settings.duration_or("deadline", options.deadline));
  options.retry = TRY(settings.duration_or("retry_after", options.retry));
  options.queue = TRY(settings.number_or("queue", options.queue, {.least = 1, .most = 10'000}));
  constexpr Settings::Range kTokens{.least = 1, .most = 1'000'000'000};
  options.budget.minute =
      TRY(settings.number_or("tokens_per_minute", options.budget.minute, kTokens));
  options.budget.day = TRY(settings.number_or("tokens_per_day", options.budget.day, kTokens));
  return {};
}

Result<> read_sessions(Settings& settings, InsightOptions& options) {
  options.session_key = TRY(settings.text_or("session_key", ""));
  if (settings.has("session_pattern")) {
    Result<SessionPattern> pattern = SessionPattern::create(TRY(settings.text("session_pattern")));
    if (!pattern.ok()) return settings.wrong("session_pattern", pattern.error().message());
    options.session_pattern = *std::move(pattern);
  }
  options.sessions.idle = TRY(settings.duration_or("session_idle", options.sessions.idle));
  options.sessions.to_learn = TRY(settings.number_or("sessions_to_learn", options.sessions.to_learn,
                                                     {.least = 1, .most = 10'000'000}));
  options.sessions.open = TRY(
      settings.number_or("sessions_open", options.sessions.open, {.least = 1, .most = 1'000'000}));
  return {};
}

Result<> read_shipping(Settings& settings, InsightOptions& options) {
  if (TRY(settings.one_of("ship", {"all", "verdicts"})) == "verdicts") {
    options.ship = InsightOptions::Ship::verdicts;
  }
  options.sample = TRY(settings.number_or("sample", 1, {.least = 1, .most = 1'000'000}));
  options.exemplars =
      TRY(settings.number_or("exemplars", options.exemplars, {.least = 0, .most = 1000}));
  options.ring = TRY(settings.bytes_or("ring", options.ring));
  if (options.ring < 1_MiB) return settings.wrong("ring", "is below 1 MiB");
  if (TRY(settings.flag_or("summaries", false))) {
    options.summaries = InsightOptions::Summaries::yes;
  }
  options.verdict_tag = TRY(read_tag(settings, "verdict_tag", "verdict"));
  options.alert_tag = TRY(read_tag(settings, "alert_tag", "alert"));
  options.summary_tag = TRY(read_tag(settings, "summary_tag", "summary"));
  options.save_every = TRY(settings.duration_or("save_every", options.save_every));
  options.top = TRY(settings.number_or("top", options.top, {.least = 0, .most = 1000}));
  return {};
}

}  // namespace

Result<InsightOptions> read_options(Settings& settings) {
  InsightOptions options;
  options.label = TRY(read_label_options(settings));
  options.miner = TRY(read_miner_options(settings));
  TRY(read_gate(settings, options));
  TRY(read_model(settings, options));
  TRY(read_sessions(settings, options));
  TRY(read_shipping(settings, options));
  return options;
}

Result<Rules> read_rules(Settings& settings) {
  std::optional<mining::Severity> alarm_at = mining::Severity::critical;
  if (settings.has("alarm_at") && TRY(settings.text("alarm_at")) == "none") {
    alarm_at.reset();
  } else {
    alarm_at = TRY(read_severity(settings, "alarm_at", mining::Severity::critical));
  }
  Result<Rules> rules = Rules::create(TRY(settings.texts("always_alert")), alarm_at);
  if (!rules.ok()) return settings.wrong("always_alert", rules.error().message());
  return rules;
}

}  // namespace quern::insight
