#include "plugins/wasm_filter.hpp"

#include "logs/msgpack.hpp"

#include <algorithm>
#include <utility>

namespace quern::plugins {
using logs::Batch;
using logs::Entry;
using logs::Filtered;

Result<std::unique_ptr<WasmFilter>> WasmFilter::create(std::shared_ptr<wasm::Linked> linked,
                                                       FilterOptions options, Clock& clock) {
  std::unique_ptr<WasmFilter> filter(new WasmFilter(std::move(linked), std::move(options), clock));
  for (std::uint32_t i = 0; i < filter->options_.policy.instances; ++i) {
    auto worker = std::make_unique<Worker>();
    worker->guest = TRY(FilterGuest::begin(*filter->linked_, filter->options_.guest));
    filter->workers_.put(std::move(worker));
  }
  return filter;
}

Filtered WasmFilter::apply(Batch batch, const std::stop_token& stop) {
  Filtered out;
  const auto lease = workers_.take();
  std::uint64_t calls = 0;
  for (const Entry& entry : batch) {
    if (ready(*lease, stop)) {
      treat(entry, ask(*lease, entry), out);
      ++calls;
    } else if (options_.policy.out_of_work == OutOfWork::wait) {
      // It was to wait, and the pipeline ends: nothing is lost, and nothing goes on unfiltered.
      ++out.faults;
      faults_[static_cast<std::size_t>(Fault::out_of_work)] += 1;
      logs::mark_dead(out.dead, entry, options_.guest.name,
                      "the pipeline ended while the plugin was out of work");
    } else {
      fault(entry, Fault::out_of_work, "the plugin is out of work, it failed too often", out);
    }
  }
  calls_.fetch_add(calls, std::memory_order_relaxed);
  return out;
}

bool WasmFilter::ready(Worker& worker, const std::stop_token& stop) {
  for (;;) {
    if (suspension_.at_work() && begin_anew(worker)) return true;
    if (options_.policy.out_of_work == OutOfWork::as_fault) return false;
    if (!clock_.sleep(suspension_.left(), stop).ok()) return false;
  }
}

// A fresh instance where there is none, or where the one there is will soon have no memory.
bool WasmFilter::begin_anew(Worker& worker) {
  if (worker.guest != nullptr) {
    if (!worker.guest->worn()) return true;
    worker.guest.reset();
    ++renewed_;
  } else {
    ++begun_anew_;
  }
  auto begun = FilterGuest::begin(*linked_, options_.guest);
  if (begun.ok()) {
    worker.guest = *std::move(begun);
    return true;
  }
  suspension_.suspend();
  complaints_.fault(to_string(fault_of<Fault>(begun.error())),
                    "it cannot begin: " + begun.error().message());
  return false;
}

Answer WasmFilter::ask(Worker& worker, const Entry& entry) {
  const bool json = options_.form == Form::json;
  std::string_view given = as_text(entry.record);
  if (json) {
    worker.json.clear();
    const Result<> written = logs::msgpack::to_json(entry.record, worker.json);
    if (!written.ok())
      return {.verdict = Verdict::fault, .fault = Fault::unfit, .why = written.error().message()};
    given = worker.json;
  }
  FilterGuest& guest = *worker.guest;
  const Result<std::uint32_t> returned = guest.call(entry.tag, entry.time, given);
  if (!returned.ok()) return lost(worker, returned.error());
  Answer answer = json ? read_json(guest.memory(), *returned, given, worker.made)
                       : read_msgpack(guest.memory(), *returned, worker.made);
  // It had no memory for an answer: that is no wish to drop the record.
  if (answer.verdict == Verdict::drop && guest.starved()) {
    answer = {
        .verdict = Verdict::fault, .fault = Fault::memory, .why = "malloc had no memory for it"};
  }
  if (const Result<> done = guest.done(*returned); !done.ok()) return lost(worker, done.error());
  suspension_.succeeded();
  return answer;
}

// After a trap an instance is good for nothing.
Answer WasmFilter::lost(Worker& worker, const Error& error) {
  worker.guest.reset();
  const auto fault = fault_of<Fault>(error);
  complaints_.pause(suspension_.failed(fault == Fault::time ? Suspension::Loss::time
                                                            : Suspension::Loss::instance),
                    error);
  return {.verdict = Verdict::fault, .fault = fault, .why = first_line(error.message())};
}

void WasmFilter::treat(const Entry& entry, const Answer& answer, Filtered& out) {
  switch (answer.verdict) {
    case Verdict::unchanged: out.kept.add(entry); return;
    case Verdict::changed: {
      if (answer.record.size() + entry.metadata.size() > logs::kLargestRecord.count) {
        return fault(entry, Fault::too_large, "with its metadata it is more than 1 MiB", out);
      }
      out.kept.add(entry.tag, entry.time, answer.record, entry.metadata);
      return;
    }
    case Verdict::drop:
      ++out.dropped;
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    case Verdict::fault: return fault(entry, answer.fault, answer.why, out);
  }
}

void WasmFilter::fault(const Entry& entry, Fault fault, std::string_view why, Filtered& out) {
  faults_[static_cast<std::size_t>(fault)].fetch_add(1, std::memory_order_relaxed);
  if (fault != Fault::out_of_work) complaints_.fault(to_string(fault), why);
  logs::take_fault(out, entry, options_.policy.on_fault, options_.guest.name, why);
}

std::vector<logs::Figure> WasmFilter::figures() const {
  const auto number = [](const std::atomic<std::uint64_t>& of) {
    return static_cast<double>(of.load(std::memory_order_relaxed));
  };
  std::vector<logs::Figure> all = {
      {.name = "wasm_calls_total", .value = number(calls_)},
      {.name = "wasm_dropped_total", .value = number(dropped_)},
      {.name = "wasm_restarts_total", .value = number(begun_anew_), .labels = {{"why", "fault"}}},
      {.name = "wasm_restarts_total", .value = number(renewed_), .labels = {{"why", "memory"}}},
      {.name = "wasm_suspensions_total", .value = static_cast<double>(suspension_.count())},
  };
  for (std::size_t i = 0; i < kFaults; ++i) {
    all.push_back({.name = "wasm_faults_total",
                   .value = number(faults_.at(i)),
                   .labels = {{"kind", std::string(to_string(static_cast<Fault>(i)))}}});
  }
  return all;
}

}  // namespace quern::plugins
