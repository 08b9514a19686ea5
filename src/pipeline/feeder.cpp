#include "pipeline/feeder.hpp"

#include "base/log.hpp"
#include "base/process.hpp"

#include <algorithm>
#include <utility>

namespace quern::pipeline {

using namespace std::chrono_literals;

void Feeder::start() {
  thread_ = std::jthread([this] {
    name_this_thread("quern-input");
    run(stop_.get_token());
  });
}

void Feeder::run(const std::stop_token& stop) {
  // A port that is taken is told at once, to whoever starts the pipeline; what happens later may
  // pass.
  constexpr auto kBegun = 1s;
  constexpr std::chrono::milliseconds kLongest = 60s;
  const Clock::Time first = hub_.clock().now();
  for (std::chrono::milliseconds pause = 1s;; pause = std::min(pause * 2, kLongest)) {
    const Clock::Time started = hub_.clock().now();
    const Result<> result = parts_.input->run(*this, stop);
    if (stop.stop_requested()) return;
    if (result.ok()) {
      over_ = true;
      return ended_(name(), {});
    }
    ++counters_.faults;
    ailment_.with([&](std::string& text) { text = result.error().describe(); });
    ailing_ = true;
    const bool began = hub_.clock().now() - first >= kBegun;
    if (hub_.clock().now() - started > kLongest) pause = 1s;
    if (!began && parts_.cannot_begin == CannotBegin::is_told)
      return ended_(name(), fail(result.error()));
    log::error("pipeline", "input " + name() + " begins again after: " + result.error().describe());
    if (!hub_.clock().sleep(pause, stop)) return;
  }
}

Result<> Feeder::accept(logs::Batch batch, const std::stop_token& stop) {
  if (batch.empty()) return {};
  counters_.records_in += batch.size();
  counters_.bytes_in += batch.bytes().count;
  const std::size_t records = batch.size();
  const std::uint64_t bytes = batch.bytes().count;
  std::optional<Hub::InHand> in_hand;
  if (parts_.parser) {
    in_hand.emplace(hub_, hub_.oldest_in({}, parts_.parser.get()));
    batch = parts_.parser->run(std::move(batch), stop);
  }
  hub_.taps().offer(name(), batch);
  TRY(hub_.pass(std::move(batch), 0, stop));
  counters_.records_out += records;
  counters_.bytes_out += bytes;
  if (ailing_.exchange(false)) ailment_.with([](std::string& text) { text.clear(); });
  return {};
}

Result<> Feeder::sync() { return hub_.sync(parts_.parser.get(), stop_.get_token()); }

Result<Clock::Time> Feeder::settle(Clock::Time now) {
  return hub_.settle(now, parts_.parser.get());
}

void Feeder::flush(logs::Due due, const std::stop_token& stop) {
  if (!parts_.parser) return;
  const Hub::InHand in_hand(hub_, hub_.oldest_in({}, parts_.parser.get()));
  logs::Batch batch = parts_.parser->flush(due);
  if (batch.empty()) return;
  if (const Result<> passed = hub_.pass(std::move(batch), 0, stop); !passed)
    log::error("pipeline",
               "what waited in the parser of " + name() + " is lost: " + passed.error().describe());
}

void Feeder::stop() {
  ask_to_stop();
  if (thread_.joinable()) thread_.join();
}

std::string Feeder::ailment() const {
  return ailment_.with([](const std::string& text) { return text; });
}

}  // namespace quern::pipeline
