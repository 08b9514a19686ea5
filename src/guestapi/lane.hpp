// A thread for work that would block a worker of the wasm engine: loading a model, counting the
// tokens of a very long text. Replaces blocking everybody's guests.
#pragma once

#include "base/deadline.hpp"
#include "base/queue.hpp"
#include "base/result.hpp"

#include <functional>
#include <future>
#include <string>
#include <thread>

namespace quern::guestapi {

class Lane {
 public:
  // `name`: of the thread, at most 15 characters. `most`: jobs that may wait.
  Lane(std::string name, std::size_t most);
  // What has not begun is dropped unrun.
  ~Lane();

  // resource_exhausted when too many wait.
  Result<> run(std::function<void()> job);

  // Takes no more jobs and drops what has not begun. True once nothing runs any more; false when a
  // job still does at `deadline`, for which the destructor waits. Once.
  bool close(Deadline deadline);

 private:
  Queue<std::function<void()>> jobs_;
  std::promise<void> over_;  // set by the thread, as the last thing it does
  std::jthread thread_;
};

}  // namespace quern::guestapi
