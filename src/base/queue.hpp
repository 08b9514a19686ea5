// Queue<T>: how threads speak to the owner of something. Bounded in items and in bytes, closable.
//
//   Queue<Job> jobs({.items = 512, .bytes = 64_MiB});
//   TRY(jobs.try_push(job, job.size()));                   // full: resource_exhausted, at once
//   while (auto job = jobs.pop(Deadline::never(), stop)) run(*job);   // ends after close()
//
// All methods may be called from any thread. An item larger than the byte bound is let through
// when the queue is empty, so that nothing waits forever.
#pragma once

#include "base/bytes.hpp"
#include "base/stop.hpp"

#include <condition_variable>
#include <deque>
#include <limits>
#include <mutex>
#include <stop_token>
#include <utility>

namespace quern {

struct QueueLimits {
  std::size_t items = 1024;  // more: resource_exhausted, or waiting in push
  Bytes bytes{std::numeric_limits<std::uint64_t>::max()};  // sum of the costs given to push
};

template <class T>
class Queue {
 public:
  explicit Queue(QueueLimits limits) : limits_(limits) {}

  // resource_exhausted when full, unavailable after close().
  Result<> try_push(T item, Bytes cost = {}) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return closed_error();
      if (!fits(cost)) return fail(ErrorKind::resource_exhausted, "the queue is full");
      add(std::move(item), cost);
    }
    changed_.notify_all();
    return {};
  }

  // Waits for room. unavailable after close(), also for those who wait already.
  Result<> push(T item, Bytes cost, Deadline deadline, const std::stop_token& stop) {
    {
      std::unique_lock lock(mutex_);
      TRY(wait_until(changed_, lock, deadline, stop, [&] { return closed_ || fits(cost); }));
      if (closed_) return closed_error();
      add(std::move(item), cost);
    }
    changed_.notify_all();
    return {};
  }

  // Waits for an item. After close() what is left still comes out, then unavailable.
  Result<T> pop(Deadline deadline, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    TRY(wait_until(changed_, lock, deadline, stop, [&] { return closed_ || !items_.empty(); }));
    if (items_.empty()) return closed_error();
    T item = take();
    lock.unlock();
    changed_.notify_all();
    return item;
  }

  // Nothing more comes in; waiting pushers fail, poppers get the rest.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
  }

  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return items_.size();
  }

 private:
  struct Item {
    T value;
    Bytes cost;
  };

  static Failure closed_error() { return fail(ErrorKind::unavailable, "the queue is closed"); }
  bool fits(Bytes cost) const {
    if (items_.empty()) return true;
    return items_.size() < limits_.items && used_.count <= limits_.bytes.count &&
           cost.count <= limits_.bytes.count - used_.count;
  }
  void add(T item, Bytes cost) {
    items_.push_back({std::move(item), cost});
    used_.count += cost.count;
  }
  T take() {
    Item item = std::move(items_.front());
    items_.pop_front();
    used_.count -= item.cost.count;
    return std::move(item.value);
  }

  const QueueLimits limits_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Item> items_;
  Bytes used_;
  bool closed_ = false;
};

}  // namespace quern
