// A thread for work that would block a worker of the wasm engine: loading a model, counting the
// tokens of a very long text. Replaces blocking everybody's guests.
#pragma once

#include "base/queue.hpp"
#include "base/result.hpp"

#include <functional>
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

 private:
  Queue<std::function<void()>> jobs_;
  std::jthread thread_;
};

}  // namespace quern::guestapi
