// The requests that wait for a place in the batch: tenants take turns, one tenant's requests go in
// the order they came.
#pragma once

#include "inference/job.hpp"

#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>

namespace quern::inference {

class WaitingLine {
 public:
  void push_back(std::unique_ptr<Job> job) { of(job->tenant).push_back(std::move(job)); }
  // For a job that had its turn and lost its place.
  void push_front(std::unique_ptr<Job> job) { of(job->tenant).push_front(std::move(job)); }

  // The next job that `ready` accepts, or null. Its tenant goes to the end of the round.
  std::unique_ptr<Job> pop(const std::function<bool(const Job&)>& ready);
  // Takes out every job that `over` accepts.
  std::deque<std::unique_ptr<Job>> take_if(const std::function<bool(const Job&)>& over);
  void each(const std::function<void(const Job&)>& visit) const;

  std::size_t size() const;
  bool empty() const { return tenants_.empty(); }

 private:
  struct Tenant {
    std::string name;
    std::deque<std::unique_ptr<Job>> jobs;  // never empty between calls
  };
  std::deque<std::unique_ptr<Job>>& of(const std::string& name);

  std::list<Tenant> tenants_;  // the front one is served next
};

}  // namespace quern::inference
