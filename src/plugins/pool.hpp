// Things of which each is used by one thread at a time. Internal to plugins/.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace quern::plugins {

// Of any thread; outlives its leases.
template <class T>
class Pool {
 public:
  class Lease {
   public:
    Lease(Pool& of, std::unique_ptr<T> thing) : of_(of), thing_(std::move(thing)) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() { of_.put(std::move(thing_)); }
    T& operator*() const { return *thing_; }

   private:
    Pool& of_;
    std::unique_ptr<T> thing_;
  };

  void put(std::unique_ptr<T> thing) {
    {
      const std::lock_guard lock(mutex_);
      idle_.push_back(std::move(thing));
    }
    returned_.notify_one();
  }
  // Waits for whoever has one: as long as that one's work may take. Not until a stop: what waits
  // here at the pipeline's end is to be filtered as well.
  Lease take() {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [this] { return !idle_.empty(); });
    std::unique_ptr<T> thing = std::move(idle_.back());
    idle_.pop_back();
    return Lease(*this, std::move(thing));
  }

 private:
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<T>> idle_;
};

}  // namespace quern::plugins
