// The way that records take: through the chain into the branches, as the file says just now.
#pragma once

#include "base/guarded.hpp"

#include "pipeline/branch.hpp"
#include "pipeline/chain.hpp"
#include "pipeline/taps.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace quern::pipeline {

struct Topology {
  Chain chain;
  std::vector<std::shared_ptr<Branch>> branches;  // shared with what a reload makes of it
};

// The stage of this name; null where there is none.
template <class Stage>
std::shared_ptr<Stage> by_name(const std::vector<std::shared_ptr<Stage>>& stages,
                               std::string_view name) {
  const auto found =
      std::ranges::find_if(stages, [&](const auto& one) { return one->name() == name; });
  return found == stages.end() ? nullptr : *found;
}

// Of any thread.
class Hub {
 public:
  explicit Hub(Clock& clock) : clock_(clock) {}

  std::shared_ptr<const Topology> topology() const {
    return topology_.with([](const auto& current) { return current; });
  }
  void publish(std::shared_ptr<const Topology> next) {
    topology_.with([&](auto& current) { current = std::move(next); });
  }
  // Through the filters from `first` on, then into every branch that wants it. Errors as of
  // logs::Sink::accept.
  Result<> pass(logs::Batch batch, std::size_t first, const std::stop_token& stop);
  // Into this one branch, whatever it matches; not_found: there is none of that name.
  Result<> pass_to(const std::string& branch, logs::Batch batch, const std::stop_token& stop);
  // What went through before is on the disk, where branches have theirs there. Waits for what
  // filters hold back.
  Result<> sync(const FilterStage* parser, const std::stop_token& stop);
  // All that came before the time in the answer is on the disk, or past its end; does not wait.
  // `parser`: of the input that asks; null where it has none.
  Result<Clock::Time> settle(Clock::Time now, const FilterStage* parser);
  // What a filter gave up is in somebody's hand until it is in the branches: acknowledgements of
  // what came since `oldest` wait for the end of this.
  class [[nodiscard]] InHand {
   public:
    InHand(Hub& hub, Clock::Time oldest) : hub_(hub), oldest_(oldest) {
      hub_.in_hand_.with([&](auto& all) { all.insert(oldest_); });
    }
    InHand(const InHand&) = delete;
    InHand& operator=(const InHand&) = delete;
    ~InHand() {
      hub_.in_hand_.with([&](auto& all) { all.erase(all.find(oldest_)); });
    }

   private:
    Hub& hub_;
    const Clock::Time oldest_;
  };
  // The oldest record that waits in a filter, or now.
  Clock::Time oldest_in(const Chain& chain, const FilterStage* parser) const;
  // What is due in the filters goes on.
  void flush(logs::Due due, const std::stop_token& stop);

  Taps& taps() { return taps_; }
  Clock& clock() { return clock_; }
  // Records that no output wanted.
  std::uint64_t unrouted() const { return unrouted_; }

 private:
  Result<> sync_branches();
  Result<> wait_for(const FilterStage& stage, const std::stop_token& stop);
  Result<> wait_for_hands(Clock::Time asked, const std::stop_token& stop);
  Result<> put(const Topology& topology, const SharedBatch& batch, const std::stop_token& stop);
  Result<> put_into_next(const Topology& before, const std::string& branch,
                         const SharedBatch& batch, const std::stop_token& stop);

  Clock& clock_;
  Taps taps_;
  Guarded<std::shared_ptr<const Topology>> topology_;
  Guarded<std::multiset<Clock::Time>> in_hand_;
  std::atomic<std::uint64_t> unrouted_{0};
};

}  // namespace quern::pipeline
