#include "pipeline/hub.hpp"

#include "base/log.hpp"

#include <algorithm>
#include <utility>

namespace quern::pipeline {

using logs::Batch;
using namespace std::chrono_literals;

Result<> Hub::pass(Batch batch, std::size_t first, const std::stop_token& stop) {
  const auto now = topology();
  batch = run_chain(now->chain, first, std::move(batch), taps_, stop);
  if (batch.empty()) return {};
  return put(*now, std::make_shared<const Batch>(std::move(batch)), stop);
}

Result<> Hub::put(const Topology& topology, const SharedBatch& batch, const std::stop_token& stop) {
  for (const Batch::Run& run : batch->runs()) {
    const bool wanted = std::ranges::any_of(topology.branches, [&](const auto& branch) {
      return std::ranges::any_of(branch->plan().stage.match, [&](const std::string& pattern) {
        return logs::tag_matches(pattern, run.tag);
      });
    });
    if (!wanted) unrouted_ += run.count;
  }
  Result<> worst;
  for (const std::shared_ptr<Branch>& branch : topology.branches) {
    Result<> put = branch->put(batch, stop);
    if (!put && put.error().kind() == ErrorKind::unavailable)
      put = put_into_next(topology, branch->name(), batch, stop);
    // The others still get theirs.
    if (!put) worst = std::move(put);
  }
  return worst;
}

// The branch was taken away amid this: another of its name takes it, if there will be one.
Result<> Hub::put_into_next(const Topology& before, const std::string& branch,
                            const SharedBatch& batch, const std::stop_token& stop) {
  while (true) {
    TRY(clock_.sleep(10ms, stop));
    const auto now = topology();
    if (now.get() == &before) continue;
    for (const std::shared_ptr<Branch>& next : now->branches) {
      if (next->name() == branch) return next->put(batch, stop);
    }
    return {};
  }
}

Result<> Hub::pass_to(const std::string& branch, Batch batch, const std::stop_token& stop) {
  const auto now = topology();
  for (const std::shared_ptr<Branch>& one : now->branches) {
    if (one->name() == branch)
      return one->put(std::make_shared<const Batch>(std::move(batch)), stop);
  }
  return fail(ErrorKind::not_found, "there is no output " + branch);
}

Result<> Hub::wait_for(const logs::Filter& filter, Clock::Time asked, const std::stop_token& stop) {
  while (true) {
    const std::optional<Clock::Time> oldest = filter.oldest_waiting();
    if (!oldest || *oldest > asked) return {};
    TRY(clock_.sleep(20ms, stop));
  }
}

Result<> Hub::sync(const std::stop_token& stop) {
  const Clock::Time asked = clock_.now();
  const auto now = topology();
  for (const std::shared_ptr<FilterStage>& stage : now->chain)
    TRY(wait_for(stage->filter(), asked, stop));
  for (const std::shared_ptr<Branch>& branch : now->branches) TRY(branch->sync());
  return {};
}

void Hub::flush(logs::Due due, const std::stop_token& stop) {
  const auto now = topology();
  for (std::size_t i = 0; i < now->chain.size(); ++i) {
    Batch batch = now->chain[i]->flush(due);
    if (batch.empty()) continue;
    taps_.offer(now->chain[i]->name(), batch);
    batch = run_chain(now->chain, i + 1, std::move(batch), taps_, stop);
    if (batch.empty()) continue;
    if (const Result<> passed = put(*now, std::make_shared<const Batch>(std::move(batch)), stop);
        !passed)
      log::error("pipeline", "what waited in " + now->chain[i]->name() +
                                 " is lost: " + passed.error().describe());
  }
}

}  // namespace quern::pipeline
