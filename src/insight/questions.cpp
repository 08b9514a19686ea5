#include "base/log.hpp"
#include "base/text.hpp"

#include "insight/insight_parts.hpp"

#include <algorithm>
#include <utility>

namespace quern::insight {
namespace {

constexpr std::chrono::minutes kTooLargeAgain{10};

// Of budget and queue, after a question.
enum class Room : std::uint8_t { none, for_others };

// One question to the model, when there is room for it now.
Room ask(InsightParts& parts, Core& core, const Key& key, Pending& pending) {
  Job job{.key = key,
          .question = question_of(pending.about, parts.options.prompt, parts.options.words,
                                  core.cache.examples(parts.options.examples))};
  job.taken = tokens_of(job.question);
  if (!core.budget.fits(job.taken)) {
    // Later it may have other examples; those behind it do not wait for that.
    pending.state = Pending::State::failed;
    pending.again = parts.world.clock.now() + kTooLargeAgain;
    return Room::for_others;
  }
  if (!core.budget.take(job.taken, parts.world.clock.date())) {
    pending.state = Pending::State::spent;
    return Room::none;
  }
  const std::uint64_t taken = job.taken;
  if (parts.asker->ask(std::move(job)).ok()) {
    pending.state = Pending::State::asked;
    return Room::for_others;
  }
  core.budget.settle(taken, 0);
  pending.state = parts.asker->there() ? Pending::State::waits : Pending::State::failed;
  return Room::none;
}

Look::Asked told(const Pending& pending) {
  switch (pending.state) {
    case Pending::State::spent: return Look::Asked::spent;
    case Pending::State::failed: return Look::Asked::failed;
    default: return Look::Asked::on_its_way;
  }
}

// What a failed call used is not known: all of it, unless the model was not asked.
std::uint64_t used_by(const Job& job, const Result<Said>& said) {
  if (said.ok()) return said->tokens;
  return said.error().kind() == ErrorKind::unavailable ? 0 : job.taken;
}

void failed(InsightParts& parts, Core& core, const Job& job, const Error& why) {
  ++core.figures.failures;
  const auto pending = core.pending.find(job.key);
  if (job.kind == Job::Kind::summary || pending == core.pending.end()) return;
  Pending& one = pending->second;
  // Cancelled: the filter ends.
  one.state = why.kind() == ErrorKind::cancelled ? Pending::State::waits : Pending::State::failed;
  one.again = parts.world.clock.now() + parts.options.retry * (1 << std::min(one.failures, 6U));
  ++one.failures;
}

// The proposal that follows, when the verdict names an action.
std::optional<Proposal> take_verdict(InsightParts& parts, Core& core, const Job& job,
                                     Verdict verdict) {
  const auto pending = core.pending.find(job.key);
  if (pending == core.pending.end()) return std::nullopt;  // a person answered meanwhile
  // The template may have become part of another since.
  const Key key{core.known.miner().now(job.key.id), job.key.about};
  const Pending one = std::move(pending->second);
  core.pending.erase(pending);
  if (key.about == About::session && !verdict.anomaly) core.sessions.learn(one.session_ids);
  Kept kept{.verdict = verdict,
            .source = Kept::Source::model,
            .line = one.about.lines.empty() ? "" : one.about.lines.front(),
            .who = {},
            .time = parts.date()};
  if (key.id == mining::kRest) return std::nullopt;
  tell_verdict(parts, core, key, kept);
  core.cache.put(key, std::move(kept));
  if (verdict.action.empty()) return std::nullopt;
  return Proposal{.action = verdict.action,
                  .id = key.id,
                  .text = core.known.miner().at(key.id).text,
                  .verdict = verdict,
                  .question = std::string(to_string(key.about)) + " " + core.cache.policy()};
}

void take_summary(InsightParts& parts, Core& core, const Job& job, const std::string& text) {
  Buffer record;
  logs::msgpack::Writer writer(record);
  writer.map(2);
  writer.string("window");
  writer.map(1);
  writer.string("from");
  writer.integer(job.from);
  writer.string("summary");
  writer.string(text);
  send(core, parts, parts.options.summary_tag, record);
}

}  // namespace

Look::Asked want(InsightParts& parts, Core& core, Key key, const Case& about) {
  const auto found = core.pending.find(key);
  if (found != core.pending.end()) {
    std::vector<std::string>& lines = found->second.about.lines;
    const bool same = std::find(lines.begin(), lines.end(), about.lines.front()) != lines.end();
    if (!same && lines.size() < parts.options.question_lines) lines.push_back(about.lines.front());
    return told(found->second);
  }
  if (core.pending.size() >= kMostPending) {
    ++core.figures.unasked;
    return Look::Asked::failed;
  }
  Pending& pending = core.pending[key];
  pending.about = about;
  (void)ask(parts, core, key, pending);  // else it waits
  return told(pending);
}

void ask_what_waits(InsightParts& parts, Core& core) {
  if (!parts.asker->there()) return;
  const Clock::Time now = parts.world.clock.now();
  for (auto& [key, pending] : core.pending) {
    if (pending.state == Pending::State::asked) continue;
    if (pending.state == Pending::State::failed && now < pending.again) continue;
    if (ask(parts, core, key, pending) == Room::none) return;
  }
}

void answered(InsightParts& parts, const Job& job, const Result<Said>& said) {
  std::optional<Proposal> proposal;
  std::string wrong;
  parts.core.with([&](Core& core) {
    ++core.figures.calls;
    core.budget.settle(job.taken, used_by(job, said));
    if (!said.ok()) {
      wrong = said.error().describe();
      failed(parts, core, job, said.error());
    } else if (job.kind == Job::Kind::summary) {
      const auto text = parse_summary(said->text);
      if (text.ok()) take_summary(parts, core, job, *text);
    } else if (auto verdict = parse_verdict(said->text, parts.options.words); verdict.ok()) {
      proposal = take_verdict(parts, core, job, *std::move(verdict));
    } else {
      wrong = verdict.error().describe();
      failed(parts, core, job, verdict.error());
    }
    ask_what_waits(parts, core);
  });
  parts.answered_one.notify_all();
  if (!wrong.empty()) log::warn("insight", parts.world.name + ": no verdict: " + wrong);
  if (!proposal) return;
  parts.learned.note();  // before its id is told to anybody
  parts.actions->propose(*proposal);
}

// {"template", "text", "about", "by", the verdict's pairs, "line"}
void tell_verdict(InsightParts& parts, Core& core, Key key, const Kept& kept) {
  const std::string& text = core.known.miner().at(key.id).text;
  Buffer record;
  logs::msgpack::Writer writer(record);
  writer.map(kVerdictPairs + 5);
  writer.string("template");
  writer.natural(key.id);
  writer.string("text");
  writer.string(printable(text, kShownLine));
  writer.string("about");
  writer.string(to_string(key.about));
  writer.string("by");
  writer.string(kept.source == Kept::Source::person ? "person" : "model");
  write_pairs(kept.verdict, writer);
  writer.string("line");
  writer.string(printable(kept.line, kShownLine));
  send(core, parts, parts.options.verdict_tag, record);
  if (!kept.verdict.anomaly) return;
  remember(core, {.time = parts.date(),
                  .id = key.id,
                  .line = printable(kept.line, kShownLine),
                  .why = std::string(to_string(key.about)),
                  .verdict = kept.verdict});
}

}  // namespace quern::insight
