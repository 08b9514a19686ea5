#include "inference/worker_thread.hpp"

#include "base/process.hpp"

#include <utility>

namespace quern::inference {

WorkerThread::~WorkerThread() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void WorkerThread::post(std::string tenant, Task task) {
  const std::lock_guard lock(mutex_);
  tasks_.push_back(tenant, {.tenant = tenant, .task = std::move(task)});
  if (!thread_.joinable()) {
    thread_ = std::jthread([this](const std::stop_token& stop) {
      name_this_thread(name_);
      run(stop);
    });
  }
  changed_.notify_one();
}

void WorkerThread::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, stop, [this] { return !tasks_.empty(); });
    if (tasks_.empty()) return;
    Waiting next = tasks_.pop([](const Waiting&) { return true; });
    lock.unlock();
    const bool more = next.task(stop) == Next::again;
    if (!more) next.task = nullptr;  // its destructor is foreign code
    lock.lock();
    if (more) {
      const std::string tenant = next.tenant;
      tasks_.push_back(tenant, std::move(next));
    }
  }
}

}  // namespace quern::inference
