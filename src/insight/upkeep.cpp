#include "base/log.hpp"
#include "base/text.hpp"

#include "insight/insight_parts.hpp"

#include <utility>

namespace quern::insight {
namespace {

using mining::TemplateId;

void keep_history(Core& core) {
  std::vector<std::pair<TemplateId, std::uint64_t>> counts;
  for (const auto& [id, count] : core.window.templates) counts.emplace_back(id, count.lines);
  core.history.push_back(std::move(counts));
  if (core.history.size() > kMostHistory) core.history.pop_front();
}

void ask_for_summary(InsightParts& parts, Core& core,
                     const std::function<const std::string&(TemplateId)>& text_of) {
  Job job{.kind = Job::Kind::summary,
          .question = summary_question(summary_lines(core.window, text_of), parts.options.prompt),
          .from = core.window.date};
  job.taken = tokens_of(job.question);
  const std::uint64_t taken = job.taken;
  if (!core.budget.take(taken, parts.world.clock.date())) return;
  if (!parts.asker->ask(std::move(job)).ok()) core.budget.settle(taken, 0);
}

// The window is over: what was counted goes out.
void close_window(InsightParts& parts, Core& core) {
  const auto text_of = [&](TemplateId id) -> const std::string& {
    return core.known.miner().at(id).text;
  };
  const bool counts = parts.options.ship == InsightOptions::Ship::verdicts;
  const bool summaries = parts.options.summaries == InsightOptions::Summaries::yes;
  if (core.window.lines > 0) {
    keep_history(core);
    if (counts || summaries) {
      write_counts(core.window, parts.date(), text_of, core.told, parts.options.summary_tag,
                   core.outbox);
    }
    if (summaries) ask_for_summary(parts, core, text_of);
  }
  core.window = {.begin = parts.world.clock.now(), .date = parts.date()};
}

void tell_session(InsightParts& parts, Core& core, const BrokenSession& session) {
  ++core.figures.sessions_broken;
  const mining::Break& first = session.breaks.front();
  Case about{.id = first.id,
             .about = About::session,
             .text = core.known.miner().at(first.id).text,
             .lines = {},
             .severity = mining::Severity::warning,
             .count = core.known.miner().at(first.id).count};
  Buffer record;
  logs::msgpack::Writer writer(record);
  writer.map(3);
  writer.string("session");
  writer.string(printable(session.name, 256));
  writer.string("lines");
  writer.natural(session.lines.size());
  writer.string("breaks");
  const std::size_t shown = std::min<std::size_t>(session.breaks.size(), 10);
  writer.array(static_cast<std::uint32_t>(shown));
  for (std::size_t i = 0; i < shown; ++i) {
    const mining::Break& one = session.breaks[i];
    const std::string& text = core.known.miner().at(one.id).text;
    const bool never = one.kind == mining::Break::Kind::never_seen;
    writer.map(4);
    writer.string("template");
    writer.natural(one.id);
    writer.string("text");
    writer.string(printable(text, kShownLine));
    writer.string("kind");
    writer.string(never ? "never seen" : "other count");
    writer.string("count");
    writer.natural(one.count);
    if (about.lines.size() < parts.options.question_lines) {
      about.lines.push_back((never ? "never before in a session, now " : "unusual count, now ") +
                            std::to_string(one.count) + " times: " + text);
    }
  }
  send(core, parts, parts.options.verdict_tag, record);
  remember(core, {.time = parts.date(),
                  .id = first.id,
                  .line = printable(session.name, 256),
                  .why = "session",
                  .verdict = std::nullopt});
  const Key key{first.id, About::session};
  if (key.id == mining::kRest || core.cache.find(key)) return;
  (void)want(parts, core, key, about);  // the record is out, whatever the model says
  const auto pending = core.pending.find(key);
  if (pending != core.pending.end()) pending->second.session_ids = session.lines;
}

// Whatever is counted by template ends with it.
void follow_forgotten(Core& core) {
  const mining::Miner& miner = core.known.miner();
  if (std::exchange(core.erased, miner.erased()) == miner.erased()) return;
  const auto went = [&](const auto& entry) { return !miner.knows(entry.first); };
  core.gate.follow([&](TemplateId id) { return miner.now(id); });
  std::erase_if(core.raw, went);
  core.told.forget([&](TemplateId id) { return !miner.knows(id); });
}

}  // namespace

void keep_up(InsightParts& parts, Upkeep how) {
  parts.core.with([&](Core& core) {
    const auto now_of = [&](TemplateId id) { return core.known.miner().now(id); };
    core.cache.follow(now_of);
    follow_forgotten(core);
    if (parts.options.has_sessions()) {
      const auto end = how == Upkeep::all ? SessionTracker::End::all : SessionTracker::End::idle;
      for (const BrokenSession& session :
           core.sessions.ended(parts.world.clock.now(), end, now_of)) {
        tell_session(parts, core, session);
      }
    }
    const bool over = parts.world.clock.now() >= core.window.begin + parts.options.window;
    if (over || how == Upkeep::all) close_window(parts, core);
    ask_what_waits(parts, core);
  });
}

// In this order, so that no file names a template that the first has not.
void save(InsightParts& parts, Upkeep how) {
  const auto one_at_a_time = parts.saving.lock();
  const auto when = how == Upkeep::all ? LearnedFile::When::last : LearnedFile::When::due;
  const Result<bool> whole =
      parts.learned.save(when, parts.world.clock.now(), parts.options.save_every);
  if (!whole.ok()) return;  // it tells by itself, and tries again
  std::optional<std::string> verdicts;
  std::optional<std::string> sessions;
  std::optional<std::string> gate;
  parts.core.with([&](Core& core) {
    verdicts = core.cache.due();
    if (*whole) gate = core.gate.save();
    if (*whole && parts.options.has_sessions()) sessions = core.sessions.profile().save();
  });
  const auto write = [&](const char* name, const std::optional<std::string>& text) -> Result<> {
    if (!text) return {};
    return parts.world.files.write(parts.world.state / name, as_bytes(*text));
  };
  if (gate && gate->size() > kGateFile.count) {
    log::warn("insight", parts.world.name + " keeps no longer what is usual for " +
                             "the next start: it is above " + to_string(kGateFile) +
                             "; fewer \"templates\" take less");
    gate.reset();
    parts.core.with([](Core& core) { ++core.figures.unsaved; });
  }
  Result<> written = verdicts ? parts.learned.sync() : Result<>();
  if (written.ok()) written = write("sessions", sessions);
  if (written.ok()) written = write("gate", gate);
  if (written.ok()) written = write("verdicts.jsonl", verdicts);
  if (written.ok()) return;
  parts.core.with([&](Core& core) {
    if (verdicts) core.cache.again();
    ++core.figures.unsaved;
  });
  log::warn("insight",
            parts.world.name + " cannot save what it learned: " + written.error().describe());
}

}  // namespace quern::insight
