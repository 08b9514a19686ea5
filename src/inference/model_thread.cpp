#include "inference/model_thread.hpp"

#include "base/process.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace quern::inference {

struct ModelThread::Inbox {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::unique_ptr<Job>> jobs;
  bool nudged = false;
  bool closed = false;

  // Waits for news at most until `deadline`; false when closed.
  bool take(std::vector<std::unique_ptr<Job>>& into, Deadline deadline) {
    std::unique_lock lock(mutex);
    const auto news = [this] { return !jobs.empty() || nudged || closed; };
    if (deadline.is_never()) {
      changed.wait(lock, news);
    } else {
      changed.wait_until(lock, deadline.when(), news);
    }
    into.swap(jobs);
    nudged = false;
    return !closed;
  }
};

ModelThread::ModelThread(std::unique_ptr<Decoder> decoder, std::shared_ptr<Counters> counters,
                         SchedulerOptions options)
    : inbox_(std::make_shared<Inbox>()),
      counters_(std::move(counters)),
      decoder_(std::move(decoder)),
      thread_(
          [inbox = inbox_, decoder_at = decoder_.get(), counters_at = counters_.get(), options] {
            name_this_thread("quern-model");
            run(*inbox, *decoder_at, *counters_at, options);
          }) {}

ModelThread::~ModelThread() {
  {
    const std::lock_guard lock(inbox_->mutex);
    inbox_->closed = true;
  }
  inbox_->changed.notify_one();
  thread_.join();
}

void ModelThread::add(std::unique_ptr<Job> job) {
  {
    const std::lock_guard lock(inbox_->mutex);
    inbox_->jobs.push_back(std::move(job));
  }
  inbox_->changed.notify_one();
}

std::function<void()> ModelThread::nudge() const {
  return [inbox = inbox_] {
    {
      const std::lock_guard lock(inbox->mutex);
      inbox->nudged = true;
    }
    inbox->changed.notify_one();
  };
}

void ModelThread::run(Inbox& inbox, Decoder& decoder, Counters& counters,
                      const SchedulerOptions& options) {
  Scheduler scheduler(decoder, counters, options);
  std::vector<std::unique_ptr<Job>> jobs;
  const Deadline now = Deadline::at(Deadline::Clock::time_point::min());
  bool busy = false;
  while (inbox.take(jobs, busy ? now : scheduler.next_deadline())) {
    for (auto& job : jobs) scheduler.add(std::move(job));
    jobs.clear();
    counters.step_began = std::chrono::steady_clock::now().time_since_epoch().count();
    busy = scheduler.step();
    counters.step_began = 0;
  }
  for (auto& job : jobs) scheduler.add(std::move(job));
}

}  // namespace quern::inference
