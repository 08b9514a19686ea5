// One thread that does tasks in order. Made when the first task comes.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace quern::inference {

class WorkerThread {
 public:
  // Every task is called exactly once; after the worker's end has begun its token says stop, and
  // it should answer "unavailable" instead of working.
  using Task = std::function<void(const std::stop_token&)>;

  WorkerThread() = default;
  ~WorkerThread();
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;

  void post(Task task);

 private:
  void run(const std::stop_token& stop);

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Task> tasks_;
  std::jthread thread_;
};

}  // namespace quern::inference
