#include "insight/insight.hpp"

#include "base/log.hpp"
#include "base/sha256.hpp"
#include "base/text.hpp"

#include "insight/fields.hpp"
#include "insight/insight_parts.hpp"
#include "insight/insight_shell.hpp"
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
                           "\n" + grammar_of(options.words);
  return sha256(as_bytes(text)).substr(7, 16);
}

Result<mining::SessionProfile> load_sessions(const logs::StageWorld& world) {
  const auto file = world.state / "sessions";
  const Result<Buffer> text = world.files.read(file, kSessionsFile);
  if (!text.ok() && text.error().kind() == ErrorKind::not_found) return mining::SessionProfile();
  if (!text.ok()) return fail(text.error());
  return mining::SessionProfile::load(as_text(*text)).context("reading " + file.string());
}

Result<mining::Gate> read_gate(const InsightOptions& options, const logs::StageWorld& world) {
  const Buffer text = TRY(world.files.read(world.state / "gate", kGateFile));
  return mining::Gate::load(as_text(text), options.gate);
}

// What is usual is learned again within hours: a file that is broken or too large stops no start.
// It stays beside, for whoever looks.
Result<mining::Gate> load_gate(const InsightOptions& options, const logs::StageWorld& world) {
  const auto file = world.state / "gate";
  Result<mining::Gate> gate = read_gate(options, world);
  if (gate.ok()) return gate;
  const ErrorKind why = gate.error().kind();
  if (why == ErrorKind::not_found) return mining::Gate(options.gate);
  if (why != ErrorKind::corrupt_data && why != ErrorKind::resource_exhausted) {
    return std::move(gate).context("reading " + file.string());
  }
  const std::string aside = file.string() + ".broken";
  const Result<> moved = world.files.rename(file, aside);
  log::warn("insight", world.name + ": what is usual is learned anew, " + file.string() +
                           " makes no sense: " + gate.error().describe() +
                           (moved.ok() ? "; it is " + aside + " now" : ""));
  return mining::Gate(options.gate);
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
  mining::Gate gate = TRY(load_gate(options, world));
  const auto id_now = [&](mining::TemplateId id) { return known.miner().now(id); };
  cache.follow(id_now);
  sessions.follow(id_now);
  gate.follow(id_now);
  // A question may have been on its way, and another policy asks about all again.
  if (judge != nullptr) {
    gate.meet_again([&](mining::TemplateId id) { return !cache.find({id, About::line}); });
  }
  for (const mining::TemplateId id : cache.of_people()) known.miner().keep(id);
  return Core{.known = std::move(known),
              .gate = std::move(gate),
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
  parts.core.with(
      [&](Core& core) { send_with_flush(core, parts, parts.options.alert_tag, record); });
}

// The smallest question there is.
Result<> check_budget(const Settings& settings, const InsightOptions& options) {
  const std::uint64_t least =
      tokens_of(question_of({.lines = {""}}, options.prompt, options.words, {}));
  const auto check = [&](const char* key, std::uint64_t tokens) -> Result<> {
    if (tokens >= least) return {};
    return settings.wrong(key, "is too little for any question: one takes " +
                                   std::to_string(least) + " with these policy and answer_tokens");
  };
  TRY(check("tokens_per_minute", options.budget.minute));
  return check("tokens_per_day", options.budget.day);
}

// What is taken from the budget is on the disk before the model is asked.
void save_budget(InsightParts& parts) {
  const std::string text = parts.core.with([](const Core& core) { return core.budget.save(); });
  if (!parts.world.files.write(parts.world.state / "budget.json", as_bytes(text)).ok()) {
    parts.core.with([](Core& core) { ++core.figures.unsaved; });
  }
}

}  // namespace

Result<std::shared_ptr<InsightParts>> InsightParts::open(const InsightSetup& setup) {
  Core core = TRY(load_core(setup.options, setup.world, setup.judge.get()));
  core.window = {.begin = setup.world.clock.now()};
  auto parts = std::make_shared<InsightParts>(setup, std::move(core));
  InsightParts* const raw = parts.get();
  raw->core.lock()->window.date = raw->date();
  if (raw->options.ship == InsightOptions::Ship::verdicts) {
    raw->ring = TRY(Ring::open(raw->world.files, raw->world.state / "ring", raw->options.ring));
  }
  raw->actions =
      TRY(Actions::create(setup.actions, raw->world, run_command,
                          [raw](const Proposal& proposal) { send_alert(*raw, proposal); }));
  raw->asker =
      std::make_unique<Asker>(setup.judge, raw->options.queue, raw->options.deadline,
                              Asker::Listener{.begins = [raw] { save_budget(*raw); },
                                              .answered =
                                                  [raw](const Job& job, const Result<Said>& said) {
                                                    answered(*raw, job, said);
                                                    save_budget(*raw);
                                                  }});
  return parts;
}

InsightParts::~InsightParts() {
  if (asker) asker->stop();  // until then its thread may look for it here
  actions.reset();
  if (ring) ring->flush();
  save(*this, Upkeep::all);
}

Insight::Insight(std::unique_ptr<InsightShell> shell) : shell_(std::move(shell)) {}
Insight::~Insight() = default;

Result<std::unique_ptr<Insight>> Insight::create(Settings& settings, const logs::StageWorld& world,
                                                 std::shared_ptr<Judge> judge) {
  InsightOptions options = TRY(read_options(settings));
  Rules rules = TRY(read_rules(settings));
  std::vector<ActionOptions> actions = TRY(read_actions(settings, world));
  for (const ActionOptions& action : actions) options.words.actions.push_back(action.name);
  if (judge) TRY(check_budget(settings, options));
  auto shell = std::make_unique<InsightShell>(std::move(options), std::move(rules),
                                              std::move(actions), std::move(judge), world);
  TRY(shell->state.try_open());
  return std::unique_ptr<Insight>(new Insight(std::move(shell)));
}

Result<std::shared_ptr<InsightParts>> Insight::parts() const {
  TRY(shell_->state.try_open());
  std::shared_ptr<InsightParts> parts = shell_->state.now();
  if (parts) return parts;
  return fail(ErrorKind::unavailable,
              "another filter has " + shell_->setup.world.state.string() + " just now");
}

logs::Filtered Insight::apply(logs::Batch batch, const std::stop_token& stop) {
  InsightSetup& setup = shell_->setup;
  setup.bytes_in += batch.bytes().count;
  logs::Filtered out;
  if (const auto parts = shell_->state.get(stop)) {
    Buffer labels;
    parts->learned.reserve(batch.size());
    std::vector<Look> looks = look_at(*parts, batch, labels);
    await_verdicts(*parts, looks, stop);
    out = ship(*parts, batch, looks, labels);
    parts->learned.note();
  } else {
    setup.unseen += batch.size();
    out = ship_unseen(setup, batch);
  }
  setup.bytes_out += out.kept.bytes().count;
  return out;
}

logs::Filtered Insight::flush(logs::Due due) {
  logs::Filtered out;
  const bool all = due == logs::Due::all;
  const auto parts = all ? shell_->state.take() : shell_->state.now();
  if (!parts) return out;
  const Upkeep how = all ? Upkeep::all : Upkeep::due;
  keep_up(*parts, how);
  if (all) {
    await_all_verdicts(*parts);
    // What both still say goes out below, or never.
    parts->asker->stop();
    parts->actions->stop();
  }
  save(*parts, how);
  if (parts->ring) parts->ring->flush();
  parts->actions->hand_over();
  parts->core.with([&](Core& core) {
    out.kept = std::exchange(core.outbox, {});
    out.kept.append(std::exchange(core.alerts, {}));
  });
  parts->learned.note();
  // Nobody comes for more, and the folder may be another's from here on.
  if (all) parts->actions->hand_over();
  shell_->setup.bytes_out += out.kept.bytes().count;
  return out;
}

}  // namespace quern::insight
