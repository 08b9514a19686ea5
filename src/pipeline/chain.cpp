#include "pipeline/chain.hpp"

#include "base/log.hpp"

#include <algorithm>
#include <utility>

namespace quern::pipeline {

using logs::Batch;
using logs::Entry;

namespace {
// Twice what an input takes: room for what filters add, and far from a frame's end.
constexpr Bytes kLargestMade = 2_MiB;
}  // namespace

Batch FilterStage::run(Batch batch, const std::stop_token& stop) {
  const auto wanted = [this](const Batch::Run& run) { return wants(parts_.match, run.tag); };
  Batch past;
  if (!std::ranges::all_of(batch.runs(), wanted)) {
    if (std::ranges::none_of(batch.runs(), wanted)) return batch;
    Batch mine;
    for (const Entry& entry : batch) (wants(parts_.match, entry.tag) ? mine : past).add(entry);
    batch = std::move(mine);
  }
  counters_.records_in += batch.size();
  counters_.bytes_in += batch.bytes().count;
  past.append(account(parts_.filter->apply(std::move(batch), stop)));
  return past;
}

Batch FilterStage::flush(logs::Due due) { return account(parts_.filter->flush(due)); }

// A filter may have made of a record what no buffer takes.
Batch FilterStage::without_giants(Batch batch) {
  const auto giant = [](const Entry& entry) {
    return entry.record.size() + entry.metadata.size() > kLargestMade.count;
  };
  if (batch.bytes() <= kLargestMade || std::none_of(batch.begin(), batch.end(), giant))
    return batch;
  Batch rest;
  for (const Entry& entry : batch) {
    if (!giant(entry)) {
      rest.add(entry);
    } else if (++counters_.faults; counters_.dropped.fetch_add(1) == 0) {
      log::error("pipeline", name() + " made a record above " + to_string(kLargestMade) +
                                 "; such records are dropped, and counted");
    }
  }
  return rest;
}

Batch FilterStage::account(logs::Filtered filtered) {
  filtered.kept = without_giants(std::move(filtered.kept));
  filtered.dead = without_giants(std::move(filtered.dead));
  counters_.records_out += filtered.kept.size();
  counters_.bytes_out += filtered.kept.bytes().count;
  counters_.dropped += filtered.dropped;
  counters_.faults += filtered.faults;
  if (!filtered.dead.empty()) {
    counters_.dead += filtered.dead.size();
    const Result<> kept = parts_.dead == nullptr ? Result<>() : parts_.dead->put(filtered.dead);
    if (!kept) {
      counters_.dropped += filtered.dead.size();
      log::error("pipeline", std::to_string(filtered.dead.size()) + " dead letters of " + name() +
                                 " are lost: " + kept.error().describe());
    }
  }
  return std::move(filtered.kept);
}

Batch run_chain(const Chain& chain, std::size_t first, Batch batch, Taps& taps,
                const std::stop_token& stop) {
  for (std::size_t i = first; i < chain.size() && !batch.empty(); ++i) {
    batch = chain[i]->run(std::move(batch), stop);
    taps.offer(chain[i]->name(), batch);
  }
  return batch;
}

}  // namespace quern::pipeline
