// The thread that owns a model's context: takes jobs, steps the scheduler, sleeps when there is
// nothing to do (an idle model costs no CPU).
#pragma once

#include "inference/scheduler.hpp"

#include <memory>
#include <thread>

namespace quern::inference {

class ModelThread {
 public:
  ModelThread(std::unique_ptr<Decoder> decoder, std::shared_ptr<Counters> counters,
              SchedulerOptions options);
  // Ends everything under way with `unavailable`.
  ~ModelThread();
  ModelThread(const ModelThread&) = delete;
  ModelThread& operator=(const ModelThread&) = delete;

  void add(std::unique_ptr<Job> job);
  // To be called when a reader has caught up or cancelled; may outlive the thread.
  std::function<void()> nudge() const;

 private:
  struct Inbox;
  static void run(Inbox& inbox, Decoder& decoder, Counters& counters,
                  const SchedulerOptions& options);

  std::shared_ptr<Inbox> inbox_;
  std::shared_ptr<Counters> counters_;
  std::unique_ptr<Decoder> decoder_;
  std::jthread thread_;
};

}  // namespace quern::inference
