// Making stages of a file, and putting them into the place of those that run.
#include "base/log.hpp"

#include "pipeline/leftovers.hpp"
#include "pipeline/running_pipeline.hpp"

#include <map>
#include <utility>

namespace quern::pipeline {
namespace {

using namespace std::chrono_literals;

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

}  // namespace

DeadLetters& RunningPipeline::dead_letters(const std::string& stage) {
  return *dead_.with([&](auto& all) {
    std::unique_ptr<DeadLetters>& one = all[stage];
    if (!one)
      one = std::make_unique<DeadLetters>(world_.files, dead_folder(state_, stage), dead_limit_);
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
  // What is on the disk stays there; where nobody takes it over, that is told.
  if (!old->drained() && before.buffering == Buffering::memory) {
    log::warn("pipeline", "output " + before.stage.name + " is taken away with " +
                              to_string(old->held().held) + " in memory, which are lost");
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
        open_buffer(output.plan, world_.files, buffer_folder(state_, name))
            .context("output " + name);
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
                                                .ailment = std::move(ailment),
                                                .gone = [this] { on_gone(); }});
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
  const Result<> changed = change_to(std::move(next));
  look_for_leftovers();
  tell_leftovers();
  TRY(Result<>(changed).context("the pipeline has changed, but not all of it works"));
  return difference;
}

}  // namespace quern::pipeline
