#include "plugins/component_filter.hpp"

#include "base/log.hpp"
#include "base/text.hpp"

#include <utility>

namespace quern::plugins {
namespace {

using logs::Batch;
using logs::Filtered;

constexpr std::chrono::seconds kTellAgain{10};
constexpr std::size_t kLongestReason = 512;
// Of one batch. To find one record among 1024 takes ten.
constexpr int kMostSplits = 24;
// Of outcomes: what a guest says of 512 KiB is not much more, and this much is held in memory.
constexpr Bytes kLargestAnswer = 16_MiB;

std::string first_line(std::string_view text) {
  return printable(text.substr(0, text.find('\n')), kLongestReason);
}

}  // namespace

Result<std::unique_ptr<ComponentFilter>> ComponentFilter::create(
    ComponentPlace place, std::shared_ptr<ComponentMetrics> metrics,
    const ComponentFilterOptions& options, Clock& clock) {
  std::unique_ptr<ComponentFilter> filter(
      new ComponentFilter(std::move(place), std::move(metrics), options, clock));
  for (std::uint32_t i = 0; i < options.instances; ++i) {
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
    if (options_.out_of_work == OutOfWork::as_fault) return false;
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
  tell(fault_of(begun.error()), "it cannot begin: " + begun.error().message());
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
  const Fault what = fault_of(error);
  if (what == Fault::trap && part.count > 1 && work.splits > 0) {
    --work.splits;
    const std::size_t half = part.count / 2;
    process(work, {.begin = part.begin, .count = half});
    process(work, {.begin = part.begin + half, .count = part.count - half});
    return;
  }
  const auto pause =
      suspension_.failed(what == Fault::time ? Suspension::Loss::time : Suspension::Loss::instance);
  if (pause.count() > 0) {
    log::warn("plugins", place_.options.name + ": out of work for " +
                             std::to_string(pause.count() / 1000) +
                             " s, it failed again and again; last: " + first_line(error.message()));
  }
  fault(work, part, what, first_line(error.message()));
}

void ComponentFilter::idle(Work& work, Part part) {
  if (options_.out_of_work == OutOfWork::as_fault) {
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
  work.out.faults += part.count;
  faults_[static_cast<std::size_t>(fault)].fetch_add(part.count, std::memory_order_relaxed);
  if (fault != Fault::out_of_work) tell(fault, why);
  for (std::size_t i = part.begin; i < part.begin + part.count; ++i) {
    switch (options_.on_fault) {
      case OnFault::pass: work.out.kept.add(work.batch[i]); break;
      case OnFault::drop: ++work.out.dropped; break;
      case OnFault::dead_letter:
        logs::mark_dead(work.out.dead, work.batch[i], place_.options.name, why);
        break;
    }
  }
}

// The first, and then at most one every ten seconds with how many there were.
void ComponentFilter::tell(Fault fault, std::string_view why) {
  const auto now = clock_.now();
  const auto before = told_.with([now](Told& told) -> std::optional<std::uint64_t> {
    if (told.when && now - *told.when < kTellAgain) {
      ++told.since;
      return std::nullopt;
    }
    told.when = now;
    return std::exchange(told.since, 0);
  });
  if (!before) return;
  std::string text = place_.options.name + ": a fault (" +
                     std::string(kFaultNames.at(static_cast<std::size_t>(fault))) +
                     "): " + std::string(why);
  if (*before > 0) text += "; " + std::to_string(*before) + " more before it";
  log::warn("plugins", text);
}

ComponentFilter::Fault ComponentFilter::fault_of(const Error& error) {
  if (error.kind() == ErrorKind::deadline_exceeded) return Fault::time;
  if (error.kind() == ErrorKind::resource_exhausted) return Fault::memory;
  // A guest that gets no memory traps; the message says what the host refused before.
  const bool refused = error.message().find("refused memory") != std::string::npos;
  return refused ? Fault::memory : Fault::trap;
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
