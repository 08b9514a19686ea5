#include "plugins/component_filter.hpp"

#include "base/text.hpp"

#include <utility>

namespace quern::plugins {
namespace {

using logs::Batch;
using logs::Filtered;

// Of one batch. To find one record among 1024 takes ten.
constexpr int kMostSplits = 24;
// Of outcomes: what a guest says of 512 KiB is not much more, and this much is held in memory.
constexpr Bytes kLargestAnswer = 16_MiB;

}  // namespace

Result<std::unique_ptr<ComponentFilter>> ComponentFilter::create(
    ComponentPlace place, std::shared_ptr<ComponentMetrics> metrics,
    const ComponentFilterOptions& options, Clock& clock) {
  std::unique_ptr<ComponentFilter> filter(
      new ComponentFilter(std::move(place), std::move(metrics), options, clock));
  for (std::uint32_t i = 0; i < options.policy.instances; ++i) {
    auto worker = std::make_unique<Worker>();
    worker->guest = TRY(ComponentGuest::begin(filter->place_));
    filter->workers_.put(std::move(worker));
  }
  return filter;
}

Filtered ComponentFilter::apply(Batch batch, const std::stop_token& stop) {
  const auto lease = workers_.take();
  Work work{.batch = batch, .stop = stop, .worker = *lease, .splits = kMostSplits, .out = {}};
  process(work, {.begin = 0, .count = batch.size()});
  return std::move(work.out);
}

void ComponentFilter::process(Work& work, Part part) {
  while (part.count > 0) {
    if (!ready(work.worker, work.stop)) return idle(work, part);
    CallBounds bounds = options_.bounds;
    bounds.records = std::min(bounds.records, part.count);
    const std::size_t taken = write_events(work.batch, part.begin, bounds, work.worker.arguments);
    const Part now{.begin = part.begin, .count = std::max<std::size_t>(taken, 1)};
    part = {.begin = part.begin + now.count, .count = part.count - now.count};
    if (taken == 0) {
      fault(work, now, Fault::unfit, "the record cannot be JSON: it is too deep");
      continue;
    }
    calls_.fetch_add(1, std::memory_order_relaxed);
    const auto answer = work.worker.guest->process(work.worker.arguments);
    if (answer.ok()) {
      suspension_.succeeded();
      treat(work, now, *answer);
    } else {
      lost(work, now, answer.error());
    }
  }
}

bool ComponentFilter::ready(Worker& worker, const std::stop_token& stop) {
  for (;;) {
    if (suspension_.at_work() && (worker.guest != nullptr || begin_anew(worker))) return true;
    if (options_.policy.out_of_work == OutOfWork::as_fault) return false;
    if (!clock_.sleep(suspension_.left(), stop).ok()) return false;
  }
}

bool ComponentFilter::begin_anew(Worker& worker) {
  ++begun_anew_;
  auto begun = ComponentGuest::begin(place_);
  if (begun.ok()) {
    worker.guest = *std::move(begun);
    return true;
  }
  suspension_.suspend();
  complaints_.fault(name_of(fault_of<Fault>(begun.error())),
                    "it cannot begin: " + begun.error().message());
  return false;
}

void ComponentFilter::treat(Work& work, Part part, ByteView answer) {
  if (answer.size() > kLargestAnswer.count) {
    return fault(work, part, Fault::memory, "outcomes of more than 16 MiB for one call");
  }
  Outcomes outcomes(answer);
  if (outcomes.count() != part.count) {
    return fault(work, part, Fault::outcomes,
                 std::to_string(part.count) + " events, but " + std::to_string(outcomes.count()) +
                     " outcomes");
  }
  for (std::size_t i = part.begin; i < part.begin + part.count; ++i) {
    const logs::Entry entry = work.batch[i];
    const Result<> done = outcomes.next(entry, work.out, [&](std::string_view reason) {
      logs::mark_dead(work.out.dead, entry, place_.options.name, printable(reason, kLongestReason));
    });
    if (!done.ok()) {
      fault(work, {.begin = i, .count = 1}, Fault::record, first_line(done.error().message()));
    }
  }
}

// After a trap an instance is good for nothing. One record may have brought it down: its neighbours
// are tried without it, in halves.
void ComponentFilter::lost(Work& work, Part part, const Error& error) {
  work.worker.guest.reset();
  const auto what = fault_of<Fault>(error);
  if (what == Fault::trap && part.count > 1 && work.splits > 0) {
    --work.splits;
    const std::size_t half = part.count / 2;
    process(work, {.begin = part.begin, .count = half});
    process(work, {.begin = part.begin + half, .count = part.count - half});
    return;
  }
  complaints_.pause(
      suspension_.failed(what == Fault::time ? Suspension::Loss::time : Suspension::Loss::instance),
      error);
  fault(work, part, what, first_line(error.message()));
}

void ComponentFilter::idle(Work& work, Part part) {
  if (options_.policy.out_of_work == OutOfWork::as_fault) {
    return fault(work, part, Fault::out_of_work, "the filter is out of work, it failed too often");
  }
  // It was to wait, and the pipeline ends: nothing is lost, and nothing goes on unfiltered.
  work.out.faults += part.count;
  faults_[static_cast<std::size_t>(Fault::out_of_work)] += part.count;
  for (std::size_t i = part.begin; i < part.begin + part.count; ++i) {
    logs::mark_dead(work.out.dead, work.batch[i], place_.options.name,
                    "the pipeline ended while the filter was out of work");
  }
}

void ComponentFilter::fault(Work& work, Part part, Fault fault, std::string_view why) {
  faults_[static_cast<std::size_t>(fault)].fetch_add(part.count, std::memory_order_relaxed);
  if (fault != Fault::out_of_work) complaints_.fault(name_of(fault), why);
  for (std::size_t i = part.begin; i < part.begin + part.count; ++i) {
    logs::take_fault(work.out, work.batch[i], options_.policy.on_fault, place_.options.name, why);
  }
}

std::vector<logs::Figure> ComponentFilter::figures() const {
  const auto number = [](const std::atomic<std::uint64_t>& of) {
    return static_cast<double>(of.load(std::memory_order_relaxed));
  };
  std::vector<logs::Figure> all = {
      {.name = "component_calls_total", .value = number(calls_)},
      {.name = "component_restarts_total", .value = number(begun_anew_)},
      {.name = "component_suspensions_total", .value = static_cast<double>(suspension_.count())},
      {.name = "component_model_tokens_total", .value = number(*place_.tokens.used)},
  };
  for (std::size_t i = 0; i < kFaultNames.size(); ++i) {
    all.push_back({.name = "component_faults_total",
                   .value = number(faults_.at(i)),
                   .labels = {{"kind", std::string(kFaultNames.at(i))}}});
  }
  metrics_->add_to(all);
  return all;
}

}  // namespace quern::plugins
