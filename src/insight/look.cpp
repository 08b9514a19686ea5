#include "base/stop.hpp"

#include "insight/insight_parts.hpp"
#include "insight/on_demand.hpp"
#include "insight/severity.hpp"
#include "logs/record.hpp"

#include <algorithm>
#include <mutex>

namespace quern::insight {
namespace {

About about_of(const mining::Reasons& reasons) {
  if (reasons.new_template || reasons.severity) return About::line;
  if (reasons.rate) return About::rate;
  return reasons.parameter ? About::parameter : About::line;
}

std::optional<std::string_view> session_of(const InsightOptions& options, ByteView record,
                                           std::string_view line) {
  if (!options.session_key.empty()) return logs::text_field(record, options.session_key);
  if (options.session_pattern) return options.session_pattern->find(line);
  return std::nullopt;
}

// Of two verdicts the one that says anomaly holds; else the more special one.
std::shared_ptr<const Kept> verdict_for(const VerdictCache& cache, const Look& look) {
  std::shared_ptr<const Kept> line = cache.find({look.id, About::line});
  if (look.about == About::line || (line && line->verdict.anomaly)) return line;
  std::shared_ptr<const Kept> special = cache.find({look.id, look.about});
  return special ? special : line;
}

Look::Asked asked_of(const Pending& pending) {
  switch (pending.state) {
    case Pending::State::waits:
    case Pending::State::asked: return Look::Asked::on_its_way;
    case Pending::State::spent: return Look::Asked::spent;
    case Pending::State::failed: return Look::Asked::failed;
  }
  return Look::Asked::no;
}

// The gate decides where nobody can be asked about its reason: that another question found the line
// normal does not answer it.
void leave_to_gate(Look& look) {
  const bool alone = look.asked == Look::Asked::spent || look.asked == Look::Asked::failed;
  if (alone && look.verdict && !look.verdict->verdict.anomaly) look.verdict = nullptr;
}

void ask_about(InsightParts& parts, Core& core, Look& look, std::string_view line) {
  if (look.id == mining::kRest) {
    // All that found no room: no verdict is about it.
    if (look.reasons.any()) look.asked = Look::Asked::failed;
    return;
  }
  const Key key{look.id, look.about};
  if (look.reasons.any() && !core.cache.find(key)) {
    const mining::Template& known = core.known.miner().at(look.id);
    look.asked = want(parts, core, key,
                      {.id = look.id,
                       .about = look.about,
                       .text = known.text,
                       .lines = {std::string(line.substr(0, kShownLine))},
                       .severity = look.severity,
                       .count = known.count});
  } else if (!look.verdict && !core.pending.empty()) {
    const auto pending = core.pending.find({look.id, About::line});
    if (pending != core.pending.end()) look.asked = asked_of(pending->second);
  }
}

void look_at_line(InsightParts& parts, Core& core, const logs::Entry& entry, std::string_view line,
                  Look& look, Buffer& labels) {
  const mining::Seen seen = core.known.learn(line);
  look.id = seen.id;
  look.is_new = seen.is_new;
  write_label(core.known.miner(), seen.id, parts.options.label, labels);
  look.reasons = core.gate.judge({.seen = seen,
                                  .parameters = core.known.miner().parameters(),
                                  .severity = look.severity,
                                  .time = std::chrono::seconds(entry.time.seconds)});
  look.about = about_of(look.reasons);
  look.verdict = verdict_for(core.cache, look);
  ask_about(parts, core, look, line);
  leave_to_gate(look);
  ++core.figures.lines;
  core.figures.passed_gate += look.reasons.any() ? 1 : 0;
  core.figures.hits += look.verdict ? 1 : 0;
}

// Until `ready()`, which is called under core's lock; no longer than options.wait, and not once
// another filter waits for the folder. What is too late is asked again when its lines come again.
template <class Ready>
void wait_for_answers(InsightParts& parts, std::unique_lock<std::mutex>& core,
                      const std::stop_token& stop, Ready ready) {
  const Deadline last = Deadline::in(*parts.options.wait);
  while (true) {
    const Deadline look = last.earlier(Deadline::in(std::chrono::milliseconds(100)));
    if (wait_until(parts.answered_one, core, look, stop, ready).ok()) return;
    if (stop.stop_requested() || last.passed()) return;
    core.unlock();
    const bool waited_for = is_waited_for(parts.world, parts.looking);
    core.lock();
    if (waited_for) return;
  }
}

}  // namespace

bool Look::anomaly(mining::Severity at_least) const {
  if (rule != nullptr) return true;
  if (verdict) return verdict->verdict.anomaly;
  // The gate's word, where the model has none.
  const bool alone = asked == Asked::spent || asked == Asked::failed;
  return alone && (reasons.any() || severity <= at_least);
}

std::vector<Look> look_at(InsightParts& parts, const logs::Batch& batch, Buffer& labels) {
  std::vector<Look> looks(batch.size());
  std::vector<std::optional<std::string_view>> lines;
  lines.reserve(batch.size());
  // What needs no lock: rules cost more than all the rest.
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const logs::Entry entry = batch[i];
    lines.push_back(line_in(entry.record, parts.options.label));
    if (!lines.back()) continue;
    looks[i].has_line = true;
    looks[i].severity = severity_of(entry.record, *lines.back(), parts.options.severity_key);
    looks[i].rule = parts.rules.broken_by(*lines.back(), looks[i].severity);
  }
  const Clock::Time now = parts.world.clock.now();
  const auto core = parts.core.lock();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const logs::Entry entry = batch[i];
    if (looks[i].has_line) {
      look_at_line(parts, *core, entry, *lines[i], looks[i], labels);
      if (parts.options.has_sessions()) {
        const auto session = session_of(parts.options, entry.record, *lines[i]);
        if (session) core->sessions.add(session->substr(0, 256), looks[i].id, now);
      }
    } else {
      ++core->figures.lineless;
    }
    looks[i].label_end = labels.size();
  }
  return looks;
}

void await_verdicts(InsightParts& parts, std::vector<Look>& looks, const std::stop_token& stop) {
  const auto waits = [](const Look& look) { return look.asked == Look::Asked::on_its_way; };
  if (!parts.options.wait || std::none_of(looks.begin(), looks.end(), waits)) return;
  // Its alert goes out with the batch: it waits for no model.
  const auto alarms = [](const Look& look) { return look.rule != nullptr; };
  if (std::any_of(looks.begin(), looks.end(), alarms)) return;
  auto core = parts.core.lock();
  const auto refresh = [&] {
    bool all = true;
    for (Look& look : looks) {
      if (!waits(look)) continue;
      // The question about the line itself is the one that later lines wait for.
      const Key key{look.id, look.reasons.any() ? look.about : About::line};
      const auto pending = core->pending.find(key);
      look.asked = pending == core->pending.end() ? Look::Asked::no : asked_of(pending->second);
      look.verdict = verdict_for(core->cache, look);
      leave_to_gate(look);
      all = all && !waits(look);
    }
    return all;
  };
  wait_for_answers(parts, core.mutex_lock(), stop, refresh);
}

void await_all_verdicts(InsightParts& parts) {
  if (!parts.options.wait) return;
  auto core = parts.core.lock();
  const auto none_waits = [&] {
    return std::none_of(core->pending.begin(), core->pending.end(), [](const auto& entry) {
      return asked_of(entry.second) == Look::Asked::on_its_way;
    });
  };
  wait_for_answers(parts, core.mutex_lock(), {}, none_waits);
}

}  // namespace quern::insight
