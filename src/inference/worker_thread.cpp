#include "inference/worker_thread.hpp"

#include <utility>

namespace quern::inference {

WorkerThread::~WorkerThread() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void WorkerThread::post(Task task) {
  const std::lock_guard lock(mutex_);
  tasks_.push_back(std::move(task));
  if (!thread_.joinable()) {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  changed_.notify_one();
}

void WorkerThread::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, stop, [this] { return !tasks_.empty(); });
    if (tasks_.empty()) return;
    const Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task(stop);
    lock.lock();
  }
}

}  // namespace quern::inference
