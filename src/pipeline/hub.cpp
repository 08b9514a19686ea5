#include "pipeline/hub.hpp"

#include "base/log.hpp"

#include <algorithm>
#include <utility>

namespace quern::pipeline {

using logs::Batch;
using namespace std::chrono_literals;

Result<> Hub::pass(Batch batch, std::size_t first, const std::stop_token& stop) {
  const auto now = topology();
  const InHand in_hand(*this, oldest_in(now->chain, nullptr));
  batch = run_chain(now->chain, first, std::move(batch), taps_, stop);
  if (batch.empty()) return {};
  return put(*now, std::make_shared<const Batch>(std::move(batch)), stop);
}

Result<> Hub::put(const Topology& topology, const SharedBatch& batch, const std::stop_token& stop) {
  for (const Batch::Run& run : batch->runs()) {
    const bool wanted = std::ranges::any_of(topology.branches, [&](const auto& branch) {
      return wants(branch->plan().stage.match, run.tag);
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
    const auto next = by_name(now->branches, branch);
    return next == nullptr ? Result<>() : next->put(batch, stop);
  }
}

Result<> Hub::pass_to(const std::string& branch, Batch batch, const std::stop_token& stop) {
  const auto to = by_name(topology()->branches, branch);
  if (to == nullptr) return fail(ErrorKind::not_found, "there is no output " + branch);
  return to->put(std::make_shared<const Batch>(std::move(batch)), stop);
}

Clock::Time Hub::oldest_in(const Chain& chain, const FilterStage* parser) const {
  Clock::Time oldest = clock_.now();
  if (parser != nullptr) oldest = std::min(oldest, parser->oldest_waiting().value_or(oldest));
  for (const std::shared_ptr<FilterStage>& stage : chain)
    oldest = std::min(oldest, stage->oldest_waiting().value_or(oldest));
  return oldest;
}

Result<> Hub::wait_for_hands(Clock::Time asked, const std::stop_token& stop) {
  while (in_hand_.with([&](const auto& all) { return !all.empty() && *all.begin() < asked; })) {
    TRY(clock_.sleep(5ms, stop));
  }
  return {};
}

// Nothing waits in it that came before this call, nor in the hand of whom it gave it to.
Result<> Hub::wait_for(const FilterStage& stage, const std::stop_token& stop) {
  const Clock::Time asked = clock_.now();
  while (true) {
    const std::optional<Clock::Time> oldest = stage.oldest_waiting();
    if (!oldest || *oldest > asked) return wait_for_hands(asked, stop);
    TRY(clock_.sleep(20ms, stop));
  }
}

Result<> Hub::sync_branches() {
  for (const std::shared_ptr<Branch>& branch : topology()->branches) TRY(branch->sync());
  return {};
}

// One filter after the other: what the first lets go may wait in the next.
Result<> Hub::sync(const FilterStage* parser, const std::stop_token& stop) {
  const auto may_hold = [](const FilterStage& stage) {
    return stage.oldest_waiting().has_value() || stage.holds();
  };
  if (parser != nullptr && may_hold(*parser)) TRY(wait_for(*parser, stop));
  const auto now = topology();
  for (const std::shared_ptr<FilterStage>& stage : now->chain) {
    if (may_hold(*stage)) TRY(wait_for(*stage, stop));
  }
  return sync_branches();
}

Result<Clock::Time> Hub::settle(Clock::Time now, const FilterStage* parser) {
  // What waits in a filter since then may have waited in each one before it as long as any may.
  constexpr auto kLongestHold = 15s;
  const auto current = topology();
  Clock::Time settled = std::min(now, clock_.now());
  auto earlier = 0s;
  const auto look = [&](const FilterStage& stage) {
    if (const auto oldest = stage.oldest_waiting()) settled = std::min(settled, *oldest - earlier);
    if (stage.holds()) earlier += kLongestHold;
  };
  if (parser != nullptr) look(*parser);
  for (const std::shared_ptr<FilterStage>& stage : current->chain) look(*stage);
  in_hand_.with([&](const auto& all) {
    if (!all.empty()) settled = std::min(settled, *all.begin() - earlier);
  });
  TRY(sync_branches());
  return settled;
}

void Hub::flush(logs::Due due, const std::stop_token& stop) {
  const auto now = topology();
  for (std::size_t i = 0; i < now->chain.size(); ++i) {
    const InHand in_hand(*this, oldest_in(now->chain, nullptr));
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
