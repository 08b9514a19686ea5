#include "pipeline/pipeline.hpp"

#include "base/log.hpp"
#include "base/process.hpp"
#include "base/stop.hpp"
#include "base/text.hpp"

#include "pipeline/feeder.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <optional>
#include <utility>

namespace quern::pipeline {
namespace {

using namespace std::chrono_literals;
using Feeders = std::vector<std::shared_ptr<Feeder>>;

template <class Stage>
std::shared_ptr<Stage> by_name(const std::vector<std::shared_ptr<Stage>>& stages,
                               std::string_view name) {
  const auto found =
      std::ranges::find_if(stages, [&](const auto& one) { return one->name() == name; });
  return found == stages.end() ? nullptr : *found;
}

template <class Stage>
bool holds(const std::vector<Stage>& all, const Stage& one) {
  return std::ranges::find(all, one) != all.end();
}

StageState counted(StageState state, const Counters& counters) {
  state.records_in = counters.records_in;
  state.bytes_in = counters.bytes_in;
  state.records_out = counters.records_out;
  state.bytes_out = counters.bytes_out;
  state.dropped = counters.dropped;
  state.faults = counters.faults;
  state.dead = counters.dead;
  return state;
}

// What the next topology is made of: stages that go on, and those that are new.
struct Next {
  Feeders feeders;
  std::vector<std::shared_ptr<Feeder>> begin;  // of feeders: not started yet
  Chain chain;
  struct Output {
    OutputPlan plan;
    std::shared_ptr<Branch> goes_on;  // or
    Made<logs::Output> made;
  };
  std::vector<Output> outputs;
  Difference difference;
};

class RunningPipeline final : public Pipeline {
 public:
  RunningPipeline(MakersOf makers_of, const World& world, Plan plan)
      : makers_of_(std::move(makers_of)),
        world_(world),
        state_(plan.state),
        dead_limit_(plan.dead_letters),
        hub_(world.clock),
        plan_(std::move(plan)) {
    hub_.publish(std::make_shared<Topology>());
  }
  ~RunningPipeline() override { stop(); }

  Result<> begin(Blueprint blueprint);
  Result<Difference> reload() override;
  Result<> wait(const std::stop_token& stop) override;
  void stop() override;
  std::vector<StageState> stages() const override;
  std::uint64_t unrouted() const override { return hub_.unrouted(); }
  Result<std::shared_ptr<Tap>> tap(const std::string& stage) override;
  Result<std::uint64_t> replay(const std::string& stage, const std::stop_token& stop) override;
  Result<std::string> ask(const std::string& stage, const logs::StageCall& call) override;
  Plan plan() const override {
    const std::lock_guard lock(changing_);
    return plan_;
  }

 private:
  Result<Next> make_next(Blueprint& blueprint);
  Result<std::shared_ptr<Feeder>> make_feeder(Blueprint& blueprint, InputPlan& plan,
                                              const std::string& canonical);
  Result<std::shared_ptr<FilterStage>> make_filter(Blueprint& blueprint, StagePlan& plan,
                                                   const std::string& canonical);
  Result<std::shared_ptr<Branch>> make_branch(Next::Output output,
                                              std::shared_ptr<BranchBuffer> buffer,
                                              Result<>& opened);
  std::shared_ptr<BranchBuffer> take_over(const std::shared_ptr<Branch>& old, const Next& next);
  void empty_old_filters(std::shared_ptr<const Topology> before, const Chain& now);
  Result<> change_to(Next next);
  DeadLetters& dead_letters(const std::string& stage);
  void on_ended(const std::string& name, Result<> how);
  void flush(logs::Due due, const std::stop_token& stop);
  void tick(const std::stop_token& stop);
  Feeders feeders() const {
    return feeders_.with([](const Feeders& all) { return all; });
  }

  const MakersOf makers_of_;
  const World world_;
  const std::filesystem::path state_;
  const Bytes dead_limit_;
  std::unique_ptr<FileLock> lock_;
  Hub hub_;
  Plan plan_;  // changed in reload(), under changing_
  Guarded<std::map<std::string, std::unique_ptr<DeadLetters>>> dead_;
  Guarded<Feeders> feeders_;
  std::stop_source ending_;      // stop() was asked for: nothing waits any more
  mutable std::mutex changing_;  // one reload, stop or replay at a time
  bool stopped_ = false;
  CannotBegin cannot_begin_ = CannotBegin::is_told;  // of inputs that are made now
  std::mutex ends_mutex_;
  std::condition_variable_any ended_;
  std::optional<Error> failed_;  // an input that could not begin
  std::jthread ticker_;
};

// Whether the stage of before goes on.
template <class Stage>
std::shared_ptr<Stage> unchanged(const std::vector<std::shared_ptr<Stage>>& before,
                                 const std::string& name, const std::string& canonical,
                                 Difference& difference) {
  std::shared_ptr<Stage> old = by_name(before, name);
  if (!old) {
    difference.added.push_back(name);
  } else if (old->canonical() != canonical) {
    difference.changed.push_back(name);
    old = nullptr;
  }
  return old;
}

template <class Stage, class Plans, class Name>
void find_removed(const std::vector<std::shared_ptr<Stage>>& before, const Plans& now, Name name_of,
                  Difference& difference) {
  for (const auto& old : before) {
    if (std::ranges::none_of(now, [&](const auto& plan) { return name_of(plan) == old->name(); }))
      difference.removed.push_back(old->name());
  }
}

DeadLetters& RunningPipeline::dead_letters(const std::string& stage) {
  return *dead_.with([&](auto& all) {
    std::unique_ptr<DeadLetters>& one = all[stage];
    if (!one)
      one = std::make_unique<DeadLetters>(world_.files, state_ / "dead" / stage, dead_limit_);
    return one.get();
  });
}

Result<std::shared_ptr<Feeder>> RunningPipeline::make_feeder(Blueprint& blueprint, InputPlan& plan,
                                                             const std::string& canonical) {
  Made<logs::Input> made = TRY(blueprint.make(plan));
  Made<logs::Filter> parser = TRY(blueprint.make_parser(plan));
  std::shared_ptr<FilterStage> stage;
  if (parser.stage) {
    stage =
        std::make_shared<FilterStage>(FilterStage::Parts{.name = plan.stage.name,
                                                         .type = "parse",
                                                         .match = {"*"},
                                                         .canonical = {},
                                                         .world = std::move(parser.world),
                                                         .filter = std::move(parser.stage),
                                                         .dead = &dead_letters(plan.stage.name)});
  }
  return std::make_shared<Feeder>(
      Feeder::Parts{.name = plan.stage.name,
                    .type = plan.stage.type,
                    .canonical = canonical,
                    .world = std::move(made.world),
                    .input = std::move(made.stage),
                    .parser = std::move(stage),
                    // Once it runs, a change does not end the pipeline.
                    .cannot_begin = cannot_begin_},
      hub_, [this](const std::string& name, Result<> how) { on_ended(name, std::move(how)); });
}

Result<std::shared_ptr<FilterStage>> RunningPipeline::make_filter(Blueprint& blueprint,
                                                                  StagePlan& plan,
                                                                  const std::string& canonical) {
  Made<logs::Filter> made = TRY(blueprint.make(plan));
  return std::make_shared<FilterStage>(FilterStage::Parts{.name = plan.name,
                                                          .type = plan.type,
                                                          .match = plan.match,
                                                          .canonical = canonical,
                                                          .world = std::move(made.world),
                                                          .filter = std::move(made.stage),
                                                          .dead = &dead_letters(plan.name)});
}

Result<Next> RunningPipeline::make_next(Blueprint& blueprint) {
  Next next;
  Plan& plan = blueprint.plan;
  const auto before = hub_.topology();
  const Feeders old_feeders = feeders();
  for (InputPlan& input : plan.inputs) {
    const std::string canonical = input.stage.canonical + (input.parser.empty() ? "" : plan.around);
    auto feeder = unchanged(old_feeders, input.stage.name, canonical, next.difference);
    if (!feeder) {
      feeder = TRY(make_feeder(blueprint, input, canonical));
      next.begin.push_back(feeder);
    }
    next.feeders.push_back(std::move(feeder));
  }
  for (StagePlan& filter : plan.filters) {
    const std::string canonical = filter.canonical + plan.around;
    auto stage = unchanged(before->chain, filter.name, canonical, next.difference);
    if (!stage) stage = TRY(make_filter(blueprint, filter, canonical));
    next.chain.push_back(std::move(stage));
  }
  for (OutputPlan& output : plan.outputs) {
    auto goes_on =
        unchanged(before->branches, output.stage.name, output.stage.canonical, next.difference);
    Made<logs::Output> made;
    if (!goes_on) made = TRY(blueprint.make(output));
    next.outputs.push_back(
        {.plan = output, .goes_on = std::move(goes_on), .made = std::move(made)});
  }
  find_removed(
      old_feeders, plan.inputs, [](const InputPlan& p) { return p.stage.name; }, next.difference);
  find_removed(
      before->chain, plan.filters, [](const StagePlan& p) { return p.name; }, next.difference);
  find_removed(
      before->branches, plan.outputs, [](const OutputPlan& p) { return p.stage.name; },
      next.difference);
  return next;
}

// What waits in memory goes over to the new output where its buffer is to be the same.
std::shared_ptr<BranchBuffer> RunningPipeline::take_over(const std::shared_ptr<Branch>& old,
                                                         const Next& next) {
  const OutputPlan& before = old->plan();
  const auto same = std::ranges::find_if(next.outputs, [&](const Next::Output& output) {
    return !output.goes_on && output.plan.stage.name == before.stage.name &&
           output.plan.buffering == Buffering::memory && output.plan.limit == before.limit &&
           output.plan.when_full == before.when_full &&
           output.plan.spill_limit == before.spill_limit;
  });
  if (before.buffering == Buffering::memory && same != next.outputs.end()) return old->hand_over();
  old->close();
  (void)old->hand_over();
  if (!old->drained()) {
    const bool kept = before.buffering == Buffering::disk;
    log::warn("pipeline", "output " + before.stage.name + " is taken away with " +
                              to_string(old->held().held) +
                              (kept ? " in its buffer, which an output of this name takes over"
                                    : " in memory, which are lost"));
  }
  old->stop();
  return nullptr;
}

Result<std::shared_ptr<Branch>> RunningPipeline::make_branch(Next::Output output,
                                                             std::shared_ptr<BranchBuffer> buffer,
                                                             Result<>& opened) {
  const std::string name = output.plan.stage.name;
  std::string ailment;
  if (!buffer) {
    Result<std::unique_ptr<BranchBuffer>> made =
        open_buffer(output.plan, world_.files, state_ / "buffers" / name).context("output " + name);
    if (!made) {
      ailment = made.error().describe();
      opened = fail(made.error());
    }
    // Without one nothing may be acknowledged: its place in the pipeline stays, and refuses.
    buffer = made ? *std::move(made) : make_broken_buffer(made.error());
  }
  return std::make_shared<Branch>(Branch::Parts{.plan = std::move(output.plan),
                                                .output = std::move(output.made.stage),
                                                .buffer = std::move(buffer),
                                                .dead = dead_letters(name),
                                                .taps = hub_.taps(),
                                                .clock = world_.clock,
                                                .world = std::move(output.made.world),
                                                .ailment = std::move(ailment)});
}

// Old inputs end first, then old branches, so that new ones find port and folder free.
Result<> RunningPipeline::change_to(Next next) {
  auto before = hub_.topology();
  for (const std::shared_ptr<Feeder>& old : feeders()) {
    if (!holds(next.feeders, old)) old->stop();
  }
  std::map<std::string, std::shared_ptr<BranchBuffer>> taken_over;
  for (const std::shared_ptr<Branch>& old : before->branches) {
    const bool goes_on = std::ranges::any_of(
        next.outputs, [&](const Next::Output& output) { return output.goes_on == old; });
    if (!goes_on) taken_over[old->name()] = take_over(old, next);
  }
  auto after = std::make_shared<Topology>();
  after->chain = next.chain;
  std::vector<std::shared_ptr<Branch>> fresh;
  Result<> opened;
  for (Next::Output& output : next.outputs) {
    std::shared_ptr<Branch> branch = output.goes_on;
    if (!branch) {
      const std::string name = output.plan.stage.name;
      branch = TRY(make_branch(std::move(output), taken_over[name], opened));
      fresh.push_back(branch);
    }
    after->branches.push_back(std::move(branch));
  }
  if (!opened && cannot_begin_ == CannotBegin::is_told) return opened;
  hub_.publish(after);
  for (const std::shared_ptr<Branch>& branch : fresh) branch->start();
  feeders_.with([&](Feeders& all) { all = next.feeders; });
  for (const std::shared_ptr<Feeder>& feeder : next.begin) feeder->start();
  empty_old_filters(std::move(before), after->chain);
  ended_.notify_all();  // the last input that had no end may be gone
  return opened;
}

// What waited in filters that are gone goes on behind those that stand in their place.
void RunningPipeline::empty_old_filters(std::shared_ptr<const Topology> before, const Chain& now) {
  // Passes that began before the change may still put something into them.
  for (int i = 0; i < 200 && before.use_count() > 1; ++i) {
    if (!world_.clock.sleep(25ms, ending_.get_token())) break;
  }
  for (std::size_t place = 0; place < before->chain.size(); ++place) {
    const std::shared_ptr<FilterStage>& old = before->chain[place];
    if (holds(now, old)) continue;
    logs::Batch rest = old->flush(logs::Due::all);
    if (rest.empty()) continue;
    const auto same =
        std::ranges::find_if(now, [&](const auto& one) { return one->name() == old->name(); });
    const auto behind = same == now.end() ? std::min(place, now.size())
                                          : static_cast<std::size_t>(same - now.begin()) + 1;
    if (const Result<> passed = hub_.pass(std::move(rest), behind, ending_.get_token()); !passed)
      log::error("pipeline",
                 "what waited in " + old->name() + " is lost: " + passed.error().describe());
  }
}

Result<> RunningPipeline::begin(Blueprint blueprint) {
  TRY(world_.files.make_directories(state_, 0700));
  Result<std::unique_ptr<FileLock>> lock = world_.files.try_lock(state_ / "lock");
  if (!lock) {
    return fail(std::move(lock).error().wrap("another pipeline may be running with the state " +
                                             state_.string()));
  }
  lock_ = *std::move(lock);
  Next next = TRY(make_next(blueprint));
  for (const InputPlan& input : blueprint.plan.inputs)
    dead_letters(input.stage.name).open_if_there();
  for (const StagePlan& filter : blueprint.plan.filters) dead_letters(filter.name).open_if_there();
  for (const OutputPlan& output : blueprint.plan.outputs)
    dead_letters(output.stage.name).open_if_there();
  TRY(change_to(std::move(next)));
  cannot_begin_ = CannotBegin::is_tried_again;
  ticker_ = std::jthread([this](const std::stop_token& stop) {
    name_this_thread("quern-pipe");
    tick(stop);
  });
  return {};
}

Result<Difference> RunningPipeline::reload() {
  const std::lock_guard lock(changing_);
  if (stopped_) return fail(ErrorKind::unavailable, "the pipeline is ending");
  constexpr auto kRefused = "the file was not taken, the pipeline goes on as before";
  Blueprint blueprint = TRY(Blueprint::read(plan_.file, makers_of_, world_).context(kRefused));
  if (blueprint.plan.state != plan_.state || blueprint.plan.listen != plan_.listen ||
      blueprint.plan.dead_letters != plan_.dead_letters) {
    return fail(ErrorKind::unsupported,
                std::string(kRefused) + ": " + plan_.file.string() +
                    ": state, listen and dead_letters of [pipeline] change only with a restart");
  }
  Next next = TRY(make_next(blueprint).context(kRefused));
  Difference difference = next.difference;
  plan_ = blueprint.plan;
  TRY(change_to(std::move(next)).context("the pipeline has changed, but not all of it works"));
  return difference;
}

Result<> RunningPipeline::wait(const std::stop_token& stop) {
  {
    std::unique_lock lock(ends_mutex_);
    TRY(wait_until(ended_, lock, Deadline::never(), stop, [this] {
      return failed_ || std::ranges::all_of(feeders(), [](const auto& one) { return one->over(); });
    }));
    if (failed_) return fail(*failed_);
  }
  flush(logs::Due::all, stop);
  const auto now = hub_.topology();
  while (
      !std::ranges::all_of(now->branches, [](const auto& branch) { return branch->drained(); })) {
    TRY(world_.clock.sleep(10ms, stop));
  }
  return {};
}

void RunningPipeline::on_ended(const std::string& name, Result<> how) {
  {
    const std::lock_guard lock(ends_mutex_);
    if (!how && !failed_) failed_ = std::move(how).error().wrap("input " + name);
  }
  ended_.notify_all();
}

void RunningPipeline::flush(logs::Due due, const std::stop_token& stop) {
  for (const std::shared_ptr<Feeder>& feeder : feeders()) feeder->flush(due, stop);
  hub_.flush(due, stop);
}

void RunningPipeline::tick(const std::stop_token& stop) {
  constexpr auto kTick = 100ms;
  while (world_.clock.sleep(kTick, stop).ok()) flush(logs::Due::by_time, stop);
}

void RunningPipeline::stop() {
  ending_.request_stop();
  const std::lock_guard lock(changing_);
  if (std::exchange(stopped_, true)) return;
  const Feeders all = feeders();
  for (const std::shared_ptr<Feeder>& feeder : all) feeder->ask_to_stop();
  for (const std::shared_ptr<Feeder>& feeder : all) feeder->stop();
  ticker_ = {};
  // A full branch would hold this up for ever.
  const Deadline grace = Deadline::in(plan_.grace);
  std::stop_source over;
  std::jthread watch([&](const std::stop_token& done) {
    name_this_thread("quern-pipe");
    if (world_.clock.sleep(plan_.grace, done).ok()) over.request_stop();
  });
  flush(logs::Due::all, over.get_token());
  const auto now = hub_.topology();
  const auto drained = [](const auto& branch) { return branch->drained(); };
  while (!grace.passed() && !std::ranges::all_of(now->branches, drained)) {
    if (!world_.clock.sleep(10ms, over.get_token())) break;
  }
  for (const std::shared_ptr<Branch>& branch : now->branches) {
    if (!branch->drained()) {
      const bool kept = branch->plan().buffering == Buffering::disk;
      log::warn("pipeline", "output " + branch->name() +
                                " has not delivered all: " + to_string(branch->held().held) +
                                (kept ? " stay in its buffer" : " in memory are lost"));
    }
    branch->stop();
  }
}

std::vector<StageState> RunningPipeline::stages() const {
  std::vector<StageState> all;
  const auto now = hub_.topology();
  const auto add = [&](StageState state) {
    dead_.with([&](const auto& letters) {
      const auto found = letters.find(state.name);
      if (found == letters.end()) return;
      state.dead_held = found->second->held();
      state.dead_lost = found->second->lost();
    });
    all.push_back(std::move(state));
  };
  using Kind = StageState::Kind;
  for (const std::shared_ptr<Feeder>& one : feeders()) {
    StageState state =
        counted({.kind = Kind::input, .name = one->name(), .type = one->type()}, one->counters());
    if (const FilterStage* parser = one->parser()) {
      state.dropped += parser->counters().dropped;
      state.faults += parser->counters().faults;
      state.dead += parser->counters().dead;
    }
    state.ailment = one->ailment();
    state.figures = one->figures();
    add(std::move(state));
  }
  for (const std::shared_ptr<FilterStage>& one : now->chain) {
    StageState state =
        counted({.kind = Kind::filter, .name = one->name(), .type = one->type()}, one->counters());
    state.figures = one->filter().figures();
    add(std::move(state));
  }
  for (const std::shared_ptr<Branch>& one : now->branches) {
    StageState state =
        counted({.kind = Kind::output, .name = one->name(), .type = one->plan().stage.type},
                one->counters());
    const BufferFigures held = one->held();
    state.held = held.held;
    state.torn = held.torn;
    state.ailment = one->ailment();
    state.figures = one->figures();
    add(std::move(state));
  }
  return all;
}

Result<std::shared_ptr<Tap>> RunningPipeline::tap(const std::string& stage) {
  const auto now = hub_.topology();
  if (!by_name(feeders(), stage) && !by_name(now->chain, stage) && !by_name(now->branches, stage))
    return fail(ErrorKind::not_found, "there is no stage " + stage);
  return hub_.taps().open(stage);
}

Result<std::uint64_t> RunningPipeline::replay(const std::string& stage,
                                              const std::stop_token& stop) {
  const auto now = hub_.topology();
  const auto to_branch = by_name(now->branches, stage);
  const auto filter = by_name(now->chain, stage);
  if (!to_branch && !filter && !by_name(feeders(), stage))
    return fail(ErrorKind::not_found, "there is no stage " + stage);
  std::size_t first = 0;  // an input's parser failed: past it, through all filters
  while (filter && now->chain[first] != filter) ++first;
  return dead_letters(stage).replay([&](logs::Batch batch) -> Result<> {
    logs::Batch alive = logs::without_marks(batch);
    if (to_branch) {
      TRY(hub_.pass_to(stage, std::move(alive), stop));
    } else {
      TRY(hub_.pass(std::move(alive), first, stop));
    }
    return hub_.sync(nullptr, stop);
  });
}

Result<std::string> RunningPipeline::ask(const std::string& stage, const logs::StageCall& call) {
  const auto filter = by_name(hub_.topology()->chain, stage);
  if (!filter) return fail(ErrorKind::not_found, "there is no filter " + printable(stage, 100));
  return filter->filter().answer(call);
}

}  // namespace

Result<std::unique_ptr<Pipeline>> Pipeline::start(const std::filesystem::path& file,
                                                  MakersOf makers_of, const World& world) {
  Blueprint blueprint = TRY(Blueprint::read(file, makers_of, world));
  auto pipeline = std::make_unique<RunningPipeline>(std::move(makers_of), world, blueprint.plan);
  TRY(pipeline->begin(std::move(blueprint)));
  return std::unique_ptr<Pipeline>(std::move(pipeline));
}

}  // namespace quern::pipeline
