// The way that records take: through the chain into the branches, as the file says just now.
#pragma once

#include "base/guarded.hpp"

#include "pipeline/branch.hpp"
#include "pipeline/chain.hpp"
#include "pipeline/taps.hpp"

#include <atomic>
#include <memory>
#include <vector>

namespace quern::pipeline {

struct Topology {
  Chain chain;
  std::vector<std::shared_ptr<Branch>> branches;  // shared with what a reload makes of it
};

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
  Result<> sync(const std::stop_token& stop);
  // Until nothing waits in the filter that came before `asked`.
  Result<> wait_for(const logs::Filter& filter, Clock::Time asked, const std::stop_token& stop);
  // What is due in the filters goes on.
  void flush(logs::Due due, const std::stop_token& stop);

  Taps& taps() { return taps_; }
  Clock& clock() { return clock_; }
  // Records that no output wanted.
  std::uint64_t unrouted() const { return unrouted_; }

 private:
  Result<> put(const Topology& topology, const SharedBatch& batch, const std::stop_token& stop);
  Result<> put_into_next(const Topology& before, const std::string& branch,
                         const SharedBatch& batch, const std::stop_token& stop);

  Clock& clock_;
  Taps taps_;
  Guarded<std::shared_ptr<const Topology>> topology_;
  std::atomic<std::uint64_t> unrouted_{0};
};

}  // namespace quern::pipeline
