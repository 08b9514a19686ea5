// A value on its way from a job or callback to a raw call, which is asked again when it has come.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <utility>

namespace quern::guestapi {

template <class T>
class Later {
 public:
  // Once, from any thread.
  void put(T value) {
    std::function<void()> wake;
    {
      const std::lock_guard lock(mutex_);
      value_ = std::move(value);
      wake = std::move(wake_);
    }
    if (wake) wake();
  }
  // The value when it is there; otherwise nothing, and `wake` is called when it comes.
  std::optional<T> take_or_wait(std::function<void()> wake) {
    const std::lock_guard lock(mutex_);
    if (!value_) wake_ = std::move(wake);
    return std::exchange(value_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::optional<T> value_;
  std::function<void()> wake_;
};

}  // namespace quern::guestapi
