#include "inference/stall_watch.hpp"

#include "base/log.hpp"
#include "base/process.hpp"

#include <utility>

namespace quern::inference {

StallWatch::StallWatch(std::chrono::milliseconds patience) : patience_(patience) {}

StallWatch::~StallWatch() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void StallWatch::add(std::string model, std::shared_ptr<const Counters> counters) {
  const std::lock_guard lock(mutex_);
  watched_.push_back({.model = std::move(model), .counters = std::move(counters)});
  if (thread_.joinable()) return;
  thread_ = std::jthread([this](const std::stop_token& stop) {
    name_this_thread("quern-watch");
    run(stop);
  });
}

void StallWatch::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    changed_.wait_for(lock, stop, patience_ / 4, [] { return false; });
    const auto news = look();
    lock.unlock();
    for (const std::string& line : news) log::warn("inference", line);
    lock.lock();
  }
}

std::vector<std::string> StallWatch::look() {
  std::vector<std::string> news;
  for (Watched& watched : watched_) {
    const auto began = watched.counters->step_began.load();
    const auto since = step_lasts(began);
    if (began == watched.told || since < patience_) continue;
    watched.told = began;
    const std::uint64_t request = watched.counters->choosing_for;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since).count();
    news.push_back((request == 0 ? "" : "[req " + std::to_string(request) + "] ") + watched.model +
                   " has made no step for " + std::to_string(seconds) + " s; " +
                   (request == 0 ? "it is computing" : "it chooses this answer's next token") +
                   "; " + std::to_string(watched.counters->in_flight) + " requests are under way");
  }
  return news;
}

}  // namespace quern::inference
