// One thread that does tasks; tenants take turns, one tenant's tasks go in order. A task that has
// much to do does a piece at each turn and goes to the end of its tenant's line. The thread is made
// when the first task comes.
#pragma once

#include "inference/turns.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

namespace quern::inference {

class WorkerThread {
 public:
  enum class Next : unsigned char { done, again };
  // Called until it says done; after the worker's end has begun its token says stop, and it should
  // answer "unavailable" instead of working, and be done.
  using Task = std::function<Next(const std::stop_token&)>;

  // `name`: of the thread, at most 15 characters.
  explicit WorkerThread(std::string name) : name_(std::move(name)) {}
  ~WorkerThread();
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;

  void post(std::string tenant, Task task);

 private:
  struct Waiting {
    std::string tenant;
    Task task;
    explicit operator bool() const { return static_cast<bool>(task); }
  };
  void run(const std::stop_token& stop);

  const std::string name_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  Turns<Waiting> tasks_;
  std::jthread thread_;
};

}  // namespace quern::inference
