// The requests that wait for a place in the batch.
#pragma once

#include "inference/job.hpp"
#include "inference/turns.hpp"

#include <deque>
#include <functional>
#include <memory>

namespace quern::inference {

class WaitingLine {
 public:
  void push_back(std::unique_ptr<Job> job) {
    const std::string& tenant = job->tenant;
    turns_.push_back(tenant, std::move(job));
  }
  // For a job that had its turn and lost its place.
  void push_front(std::unique_ptr<Job> job) {
    const std::string& tenant = job->tenant;
    turns_.push_front(tenant, std::move(job));
  }

  // The next job that `ready` accepts, or null.
  std::unique_ptr<Job> pop(const std::function<bool(const Job&)>& ready) {
    return turns_.pop([&](const std::unique_ptr<Job>& job) { return ready(*job); });
  }
  // Takes out every job that `over` accepts.
  std::deque<std::unique_ptr<Job>> take_if(const std::function<bool(const Job&)>& over) {
    return turns_.take_if([&](const std::unique_ptr<Job>& job) { return over(*job); });
  }
  void each(const std::function<void(const Job&)>& visit) const {
    turns_.each([&](const std::unique_ptr<Job>& job) { visit(*job); });
  }

  std::size_t size() const { return turns_.size(); }
  bool empty() const { return turns_.empty(); }

 private:
  Turns<std::unique_ptr<Job>> turns_;
};

}  // namespace quern::inference
