#include "insight/insight.hpp"

#include "base/sha256.hpp"
#include "base/text.hpp"

#include "insight/fields.hpp"
#include "insight/insight_parts.hpp"
#include "insight/severity.hpp"
#include "insight/templates_filter.hpp"
#include "logs/json.hpp"

#include <utility>

namespace quern::insight {
namespace {

constexpr Bytes kSmallFile = 4_KiB;
constexpr Bytes kSessionsFile = 64_MiB;

// What a verdict of a model depends on.
std::string policy_of(const InsightOptions& options, const Judge* judge) {
  const std::string text = std::to_string(options.policy_version) + "\n" +
                           (judge == nullptr ? "" : judge->name()) + "\n" + options.prompt.policy +
                           "\n" + schema_of(options.words);
  return sha256(as_bytes(text)).substr(7, 16);
}

Result<mining::SessionProfile> load_sessions(const logs::StageWorld& world) {
  const auto file = world.state / "sessions";
  const Result<Buffer> text = world.files.read(file, kSessionsFile);
  if (!text.ok() && text.error().kind() == ErrorKind::not_found) return mining::SessionProfile();
  if (!text.ok()) return fail(text.error());
  return mining::SessionProfile::load(as_text(*text)).context("reading " + file.string());
}

// A file that is broken is none: the worst is a day's tokens twice.
Budget load_budget(const InsightOptions& options, const logs::StageWorld& world) {
  Budget budget(options.budget);
  const Result<Buffer> text = world.files.read(world.state / "budget.json", kSmallFile);
  Buffer map;
  if (text.ok() && logs::from_json(trim(as_text(*text)), map).ok()) budget.load(map);
  return budget;
}

Result<Core> load_core(const InsightOptions& options, const logs::StageWorld& world,
                       const Judge* judge) {
  Learned known = TRY(Learned::open(world.files, world.state, options.miner));
  VerdictCache cache = TRY(VerdictCache::load(world.files, world.state / "verdicts.jsonl",
                                              policy_of(options, judge), options.words));
  mining::SessionProfile sessions = TRY(load_sessions(world));
  const auto id_now = [&](mining::TemplateId id) {
    return known.miner().knows(id) ? known.miner().now(id) : mining::kRest;
  };
  cache.follow(id_now);
  sessions.follow(id_now);
  return Core{.known = std::move(known),
              .gate = mining::Gate(options.gate),
              .cache = std::move(cache),
              .budget = load_budget(options, world),
              .sessions = SessionTracker(options.sessions, std::move(sessions))};
}

void send_alert(InsightParts& parts, const Proposal& proposal) {
  Buffer record;
  logs::msgpack::Writer writer(record);
  writer.map(kVerdictPairs + 4);
  writer.string("alert");
  writer.string("verdict");
  writer.string("template");
  writer.natural(proposal.id);
  writer.string("text");
  writer.string(printable(proposal.text, kShownLine));
  writer.string("stage");
  writer.string(parts.world.name);
  write_pairs(proposal.verdict, writer);
  parts.core.with([&](Core& core) { send(core, parts, parts.options.alert_tag, record); });
}

// What is taken from the budget is on the disk before the model is asked.
void save_budget(InsightParts& parts) {
  const std::string text = parts.core.with([](const Core& core) { return core.budget.save(); });
  if (!parts.world.files.write(parts.world.state / "budget.json", as_bytes(text)).ok()) {
    parts.core.with([](Core& core) { ++core.figures.unsaved; });
  }
}

}  // namespace

Insight::Insight(std::unique_ptr<InsightParts> parts) : parts_(std::move(parts)) {}

Result<std::unique_ptr<Insight>> Insight::create(Settings& settings, const logs::StageWorld& world,
                                                 std::shared_ptr<Judge> judge) {
  InsightOptions options = TRY(read_options(settings));
  Rules rules = TRY(read_rules(settings));
  std::vector<ActionOptions> actions = TRY(read_actions(settings, world));
  for (const ActionOptions& action : actions) options.words.actions.push_back(action.name);
  Core core = TRY(load_core(options, world, judge.get()));
  core.window = {.begin = world.clock.now()};
  auto parts =
      std::make_unique<InsightParts>(std::move(options), std::move(rules), world, std::move(core));
  InsightParts* const raw = parts.get();
  raw->core.lock()->window.date = raw->date();
  if (raw->options.ship == InsightOptions::Ship::verdicts) {
    raw->ring = TRY(Ring::open(world.files, world.state / "ring", raw->options.ring));
  }
  raw->actions =
      TRY(Actions::create(std::move(actions), world, run_command,
                          [raw](const Proposal& proposal) { send_alert(*raw, proposal); }));
  raw->asker =
      std::make_unique<Asker>(std::move(judge), raw->options.queue, raw->options.deadline,
                              Asker::Listener{.begins = [raw] { save_budget(*raw); },
                                              .answered =
                                                  [raw](const Job& job, const Result<Said>& said) {
                                                    answered(*raw, job, said);
                                                    save_budget(*raw);
                                                  }});
  return std::unique_ptr<Insight>(new Insight(std::move(parts)));
}

Insight::~Insight() {
  parts_->asker.reset();
  parts_->actions.reset();
  if (parts_->ring) parts_->ring->flush();
  save(*parts_, Upkeep::all);
}

logs::Filtered Insight::apply(logs::Batch batch, const std::stop_token& stop) {
  parts_->bytes_in += batch.bytes().count;
  Buffer labels;
  std::vector<Look> looks = look_at(*parts_, batch, labels);
  await_verdicts(*parts_, looks, stop);
  logs::Filtered out = ship(*parts_, batch, looks, labels);
  parts_->bytes_out += out.kept.bytes().count;
  return out;
}

logs::Filtered Insight::flush(logs::Due due) {
  const Upkeep how = due == logs::Due::all ? Upkeep::all : Upkeep::due;
  keep_up(*parts_, how);
  save(*parts_, how);
  if (parts_->ring) parts_->ring->flush();
  logs::Filtered out;
  parts_->core.with([&](Core& core) { out.kept = std::exchange(core.outbox, {}); });
  parts_->bytes_out += out.kept.bytes().count;
  return out;
}

Result<> Insight::correct(const Correction& correction) {
  Verdict verdict = correction.verdict;
  verdict.reason = printable(verdict.reason, kLongestReason);
  TRY(check(verdict, parts_->options.words));
  TRY(parts_->core.with([&](Core& core) -> Result<> {
    mining::Miner& miner = core.known.miner();
    if (correction.id == mining::kRest || !miner.knows(correction.id)) {
      return fail(ErrorKind::not_found, "there is no template " + std::to_string(correction.id));
    }
    const Key key{miner.now(correction.id), About::line};
    Kept kept{.verdict = std::move(verdict),
              .source = Kept::Source::person,
              .line = miner.at(key.id).text,
              .who = printable(correction.who, 100),
              .time = parts_->date()};
    // The example shows a line that was asked about, where there is one.
    const auto before = core.cache.find(key);
    const auto pending = core.pending.find(key);
    if (before && !before->line.empty()) kept.line = before->line;
    if (pending != core.pending.end() && !pending->second.about.lines.empty()) {
      kept.line = pending->second.about.lines.front();
    }
    if (pending != core.pending.end()) core.pending.erase(pending);
    tell_verdict(*parts_, core, key, kept);
    core.cache.put(key, std::move(kept));
    return {};
  }));
  parts_->answered_one.notify_all();
  save(*parts_, Upkeep::due);
  return {};
}

std::vector<Waiting> Insight::approvals() const { return parts_->actions->waiting(); }
Result<> Insight::approve(std::uint64_t number, std::string_view who) {
  return parts_->actions->approve(number, who);
}
Result<> Insight::deny(std::uint64_t number, std::string_view who) {
  return parts_->actions->deny(number, who);
}

Result<std::vector<Found>> Insight::search(const Search& search) const {
  if (!parts_->ring) {
    return fail(ErrorKind::unsupported,
                parts_->world.name + " keeps no raw records: set ship = \"verdicts\"");
  }
  // The ids as they are known now, so that the ring needs no lock of ours.
  Search asked = search;
  std::vector<mining::TemplateId> now;
  parts_->core.with([&](const Core& core) {
    const mining::Miner& miner = core.known.miner();
    for (mining::TemplateId id = 0; miner.knows(id); ++id) now.push_back(miner.now(id));
  });
  const auto now_of = [&](mining::TemplateId id) {
    return id < now.size() ? now[id] : mining::kRest;
  };
  if (asked.id) asked.id = now_of(*asked.id);
  return parts_->ring->search(asked, now_of);
}

}  // namespace quern::insight
