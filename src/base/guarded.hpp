// Guarded<T>: data that cannot be reached without its lock.
//
//   Guarded<std::vector<Job>> jobs_;
//   jobs_.with([&](auto& jobs) { jobs.push_back(job); });
//   auto locked = jobs_.lock();  locked->clear();
//
// Never call foreign code, a callback or the log while it is locked.
#pragma once

#include <mutex>
#include <utility>

namespace quern {

template <class T>
class Guarded {
 public:
  template <class... Args>
  explicit Guarded(Args&&... args) : value_(std::forward<Args>(args)...) {}

  // Access for as long as it lives. Keep it short.
  template <class Value>
  class [[nodiscard]] Access {
   public:
    Access(std::mutex& mutex, Value& value) : lock_(mutex), value_(&value) {}
    Value& operator*() const { return *value_; }
    Value* operator->() const { return value_; }
    // For std::condition_variable(_any)::wait.
    std::unique_lock<std::mutex>& mutex_lock() { return lock_; }

   private:
    std::unique_lock<std::mutex> lock_;
    Value* value_;
  };

  Access<T> lock() { return {mutex_, value_}; }
  Access<const T> lock() const { return {mutex_, value_}; }

  // Runs `use` on the data under the lock and returns what it returns.
  template <class Use>
  auto with(Use&& use) {
    const std::lock_guard held(mutex_);
    return std::forward<Use>(use)(value_);
  }
  template <class Use>
  auto with(Use&& use) const {
    const std::lock_guard held(mutex_);
    return std::forward<Use>(use)(std::as_const(value_));
  }

 private:
  mutable std::mutex mutex_;
  T value_;
};

}  // namespace quern
