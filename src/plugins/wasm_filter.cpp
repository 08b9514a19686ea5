#include "plugins/wasm_filter.hpp"

#include "base/log.hpp"
#include "base/text.hpp"

#include "logs/msgpack.hpp"

#include <algorithm>
#include <utility>

namespace quern::plugins {
namespace {

using logs::Batch;
using logs::Entry;
using logs::Filtered;

constexpr std::chrono::seconds kTellAgain{10};
constexpr std::size_t kLongestReason = 512;

Fault fault_of(const Error& error) {
  if (error.kind() == ErrorKind::deadline_exceeded) return Fault::time;
  if (error.kind() == ErrorKind::resource_exhausted) return Fault::memory;
  // A guest that gets no memory traps; the message says what the host refused before.
  const bool refused = error.message().find("refused memory") != std::string::npos;
  return refused ? Fault::memory : Fault::trap;
}

std::string first_line(const std::string& text) {
  return printable(std::string_view(text).substr(0, text.find('\n')), kLongestReason);
}

}  // namespace

class WasmFilter::Lease {
 public:
  // Waits for whoever has one, each of whose calls ends. Not until a stop: what waits here at the
  // pipeline's end is to be filtered as well.
  explicit Lease(WasmFilter& of) : of_(of) {
    std::unique_lock lock(of_.mutex_);
    of_.returned_.wait(lock, [this] { return !of_.idle_.empty(); });
    worker_ = std::move(of_.idle_.back());
    of_.idle_.pop_back();
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() {
    {
      const std::lock_guard lock(of_.mutex_);
      of_.idle_.push_back(std::move(worker_));
    }
    of_.returned_.notify_one();
  }
  Worker& operator*() const { return *worker_; }

 private:
  WasmFilter& of_;
  std::unique_ptr<Worker> worker_;
};

Result<std::unique_ptr<WasmFilter>> WasmFilter::create(std::shared_ptr<wasm::Linked> linked,
                                                       FilterOptions options, Clock& clock) {
  std::unique_ptr<WasmFilter> filter(new WasmFilter(std::move(linked), std::move(options), clock));
  for (std::uint32_t i = 0; i < filter->options_.instances; ++i) {
    auto worker = std::make_unique<Worker>();
    worker->guest = TRY(FilterGuest::begin(*filter->linked_, filter->options_.guest));
    filter->idle_.push_back(std::move(worker));
  }
  return filter;
}

Filtered WasmFilter::apply(Batch batch, const std::stop_token& stop) {
  Filtered out;
  Lease lease(*this);
  std::uint64_t calls = 0;
  for (const Entry& entry : batch) {
    if (ready(*lease, stop)) {
      treat(entry, ask(*lease, entry), out);
      ++calls;
    } else if (options_.out_of_work == OutOfWork::wait) {
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
    if (options_.out_of_work == OutOfWork::as_fault) return false;
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
  tell(fault_of(begun.error()), "it cannot begin: " + begun.error().message());
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
  const Fault fault = fault_of(error);
  const auto pause = suspension_.failed(fault == Fault::time ? Suspension::Loss::time
                                                             : Suspension::Loss::instance);
  if (pause.count() > 0) {
    log::warn("plugins", options_.guest.name + ": out of work for " +
                             std::to_string(pause.count() / 1000) +
                             " s, it failed again and again; last: " + first_line(error.message()));
  }
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
  ++out.faults;
  faults_[static_cast<std::size_t>(fault)].fetch_add(1, std::memory_order_relaxed);
  if (fault != Fault::out_of_work) tell(fault, why);
  switch (options_.on_fault) {
    case OnFault::pass: out.kept.add(entry); return;
    case OnFault::drop: ++out.dropped; return;
    case OnFault::dead_letter: logs::mark_dead(out.dead, entry, options_.guest.name, why); return;
  }
}

// The first, and then at most one every ten seconds with how many there were.
void WasmFilter::tell(Fault fault, std::string_view why) {
  const auto now = clock_.now();
  const auto before = told_.with([now](Told& told) -> std::optional<std::uint64_t> {
    if (told.ever && now - told.when < kTellAgain) {
      ++told.since;
      return std::nullopt;
    }
    told.ever = true;
    told.when = now;
    return std::exchange(told.since, 0);
  });
  if (!before) return;
  std::string text = options_.guest.name + ": a fault (" + std::string(to_string(fault)) +
                     "): " + std::string(why);
  if (*before > 0) text += "; " + std::to_string(*before) + " more before it";
  log::warn("plugins", text);
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
