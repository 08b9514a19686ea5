#include "pipeline/branch.hpp"

#include "base/log.hpp"
#include "base/process.hpp"

#include <algorithm>
#include <random>
#include <utility>

namespace quern::pipeline {
namespace {

using logs::Batch;
using logs::Entry;
using namespace std::chrono_literals;

// What was delivered is forgotten so often: a crash delivers that much again.
constexpr auto kSettle = 1s;

bool may_succeed_later(ErrorKind kind) {
  return kind == ErrorKind::unavailable || kind == ErrorKind::deadline_exceeded ||
         kind == ErrorKind::resource_exhausted;
}

}  // namespace

void Branch::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) {
    name_this_thread("quern-output");
    run(stop);
  });
}

Result<> Branch::put(const SharedBatch& batch, const std::stop_token& stop) {
  const auto wanted = [this](const Batch::Run& run) {
    return wants(parts_.plan.stage.match, run.tag);
  };
  const auto& runs = batch->runs();
  SharedBatch mine = batch;
  if (!std::ranges::all_of(runs, wanted)) {
    if (std::ranges::none_of(runs, wanted)) return {};
    Batch some;
    for (const Entry& entry : *batch) {
      if (wants(parts_.plan.stage.match, entry.tag)) some.add(entry);
    }
    mine = std::make_shared<const Batch>(std::move(some));
  }
  const std::uint64_t dropped = TRY(parts_.buffer->put(mine, stop));
  counters_.records_in += mine->size();
  counters_.bytes_in += mine->bytes().count;
  if (dropped > 0 && counters_.dropped.fetch_add(dropped) == 0) {
    log::warn("pipeline",
              "the buffer of " + name() + " is full; records are dropped, as its when_full says");
  }
  return {};
}

void Branch::run(const std::stop_token& stop) {
  bool delivered = false;
  Clock::Time settled = parts_.clock.now();
  while (!stop.stop_requested()) {
    const Result<SharedBatch> batch = parts_.buffer->take(Deadline::in(kSettle), stop);
    if (!batch) {
      if (stop.stop_requested()) break;
      // A damaged file of the buffer is passed over; so is a frame that another version wrote.
      log::error("pipeline", "the buffer of " + name() + ": " + batch.error().describe());
      ++counters_.faults;
      if (!parts_.clock.sleep(1s, stop)) break;
      continue;
    }
    if (*batch) {
      if (!deliver(**batch, stop)) {
        // It was taken: to forget what came before it would forget it, too.
        parts_.buffer->untake(*batch);
        return;
      }
      delivered = true;
    }
    // At once when there is nothing to do; else as often as is worth a write to the disk.
    const bool due = !*batch || parts_.clock.now() - settled >= kSettle;
    if (delivered && due) {
      if (const Result<> done = settle(); !done)
        log::error("pipeline", "the buffer of " + name() + ": " + done.error().describe());
      delivered = false;
      settled = parts_.clock.now();
    }
  }
  if (delivered) (void)settle();
}

Result<> Branch::settle() {
  TRY(parts_.output->sync());
  return parts_.buffer->forget();
}

Result<> Branch::deliver(const Batch& batch, const std::stop_token& stop) {
  for (std::uint64_t attempt = 1;; ++attempt) {
    const Result<Batch> refused = parts_.output->deliver(batch, stop);
    if (refused.ok()) {
      counters_.records_out += batch.size() - std::min(batch.size(), refused->size());
      counters_.bytes_out += batch.bytes().count;
      parts_.taps.offer(name(), batch);
      if (attempt > 1) log::info("pipeline", name() + " delivers again");
      ailment_.with([](std::string& text) { text.clear(); });
      bury(*refused);
      return {};
    }
    if (stop.stop_requested()) return fail(ErrorKind::cancelled, "stopped");
    const Error& why = refused.error();
    if (why.kind() == ErrorKind::cancelled) {
      parts_.gone();
      return fail(why);
    }
    ++counters_.faults;
    const bool last = parts_.plan.attempts != 0 && attempt >= parts_.plan.attempts;
    if (!may_succeed_later(why.kind()) || last) {
      give_up(batch, why);
      return {};
    }
    ailment_.with([&](std::string& text) { text = why.describe(); });
    if (attempt == 1)
      log::warn("pipeline", name() + " cannot deliver, and tries again: " + why.describe());
    TRY(pause(attempt, stop));
  }
}

// Twice as long each time, and a random part of it, so that many do not come back at once.
Result<> Branch::pause(std::uint64_t attempt, const std::stop_token& stop) {
  const std::int64_t first = parts_.plan.first_pause.count();
  const std::int64_t longest = parts_.plan.longest_pause.count();
  const auto doubled = static_cast<unsigned>(std::min<std::uint64_t>(attempt - 1, 20));
  const std::int64_t pause = std::min(first << doubled, longest);
  thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_int_distribution<std::int64_t> part(pause / 2, pause);
  return parts_.clock.sleep(std::chrono::milliseconds(part(random)), stop);
}

void Branch::give_up(const Batch& batch, const Error& why) {
  Batch dead;
  for (const Entry& entry : batch) logs::mark_dead(dead, entry, name(), why.describe());
  ailment_.with([&](std::string& text) { text = why.describe(); });
  bury(dead);
}

void Branch::bury(const Batch& dead) {
  if (dead.empty()) return;
  if (counters_.dead.fetch_add(dead.size()) == 0) {
    log::warn(
        "pipeline",
        name() + " could not deliver records for good; they are dead letters (quern pipe replay)");
  }
  if (const Result<> kept = parts_.dead.put(dead); !kept) {
    counters_.dropped += dead.size();
    log::error("pipeline", std::to_string(dead.size()) + " dead letters of " + name() +
                               " are lost: " + kept.error().describe());
  }
}

std::shared_ptr<BranchBuffer> Branch::hand_over() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  return parts_.buffer;
}

void Branch::stop() {
  (void)hand_over();
  parts_.buffer->close();
  parts_.buffer->release();
}

std::string Branch::ailment() const {
  return ailment_.with([](const std::string& text) { return text; });
}

}  // namespace quern::pipeline
