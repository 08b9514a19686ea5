// The pipeline that runs: running_pipeline.cpp is its life, pipeline_change.cpp how it becomes
// another, left_behind.cpp what is left of stages that are gone.
#pragma once

#include "pipeline/feeder.hpp"
#include "pipeline/pipeline.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

namespace quern::pipeline {

using Feeders = std::vector<std::shared_ptr<Feeder>>;

template <class Stage>
bool holds(const std::vector<Stage>& all, const Stage& one) {
  return std::ranges::find(all, one) != all.end();
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
  Result<std::uint64_t> replay_to(const std::string& stage, const std::string& output,
                                  const std::stop_token& stop) override;
  std::vector<Leftover> leftovers() const override {
    return leftovers_.with([](const auto& all) { return all; });
  }
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
  bool has_stage(const std::string& stage) const;
  bool reads_buffer(const std::string& stage) const;
  void look_for_leftovers();
  void tell_leftovers() const;
  Result<std::optional<std::filesystem::path>> set_buffer_aside(const std::string& stage);
  DeadLetters& dead_letters(const std::string& stage);
  void on_ended(const std::string& name, Result<> how);
  void on_gone();
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
  Guarded<std::vector<Leftover>> leftovers_;
  Guarded<Feeders> feeders_;
  std::stop_source ending_;      // stop() was asked for: nothing waits any more
  mutable std::mutex changing_;  // one reload, stop or replay at a time
  bool stopped_ = false;
  CannotBegin cannot_begin_ = CannotBegin::is_told;  // of inputs that are made now
  std::mutex ends_mutex_;
  std::condition_variable_any ended_;
  std::optional<Error> failed_;  // an input that could not begin
  bool gone_ = false;            // whoever an output delivers to wants no more
  std::jthread ticker_;
};

}  // namespace quern::pipeline
