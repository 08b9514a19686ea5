#include "pipeline/running_pipeline.hpp"

#include "base/log.hpp"
#include "base/process.hpp"
#include "base/stop.hpp"
#include "base/text.hpp"

#include <utility>

namespace quern::pipeline {
namespace {

using namespace std::chrono_literals;

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

}  // namespace

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
  look_for_leftovers();
  tell_leftovers();
  cannot_begin_ = CannotBegin::is_tried_again;
  ticker_ = std::jthread([this](const std::stop_token& stop) {
    name_this_thread("quern-pipe");
    tick(stop);
  });
  return {};
}

Result<> RunningPipeline::wait(const std::stop_token& stop) {
  {
    std::unique_lock lock(ends_mutex_);
    TRY(wait_until(ended_, lock, Deadline::never(), stop, [this] {
      return failed_ || gone_ ||
             std::ranges::all_of(feeders(), [](const auto& one) { return one->over(); });
    }));
    if (failed_) return fail(*failed_);
    if (gone_) return {};
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

void RunningPipeline::on_gone() {
  {
    const std::lock_guard lock(ends_mutex_);
    gone_ = true;
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

bool RunningPipeline::has_stage(const std::string& stage) const {
  const auto now = hub_.topology();
  return by_name(feeders(), stage) || by_name(now->chain, stage) || by_name(now->branches, stage);
}

Result<std::shared_ptr<Tap>> RunningPipeline::tap(const std::string& stage) {
  if (!has_stage(stage)) return fail(ErrorKind::not_found, "there is no stage " + stage);
  return hub_.taps().open(stage);
}

Result<std::uint64_t> RunningPipeline::replay(const std::string& stage,
                                              const std::stop_token& stop) {
  const auto now = hub_.topology();
  const auto to_branch = by_name(now->branches, stage);
  const auto filter = by_name(now->chain, stage);
  if (!has_stage(stage))
    return fail(ErrorKind::not_found, "there is no stage " + stage +
                                          "; what is left of one that was goes to an output " +
                                          "that you name, with --to OUTPUT");
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

Result<std::unique_ptr<Pipeline>> Pipeline::start(const std::filesystem::path& file,
                                                  MakersOf makers_of, const World& world) {
  Blueprint blueprint = TRY(Blueprint::read(file, makers_of, world));
  auto pipeline = std::make_unique<RunningPipeline>(std::move(makers_of), world, blueprint.plan);
  TRY(pipeline->begin(std::move(blueprint)));
  return std::unique_ptr<Pipeline>(std::move(pipeline));
}

}  // namespace quern::pipeline
