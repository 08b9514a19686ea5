// How many bytes of what others send are held, all together. A count of requests or connections
// alone bounds no memory: one may be a few bytes or many megabytes.
#pragma once

#include "base/bytes.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace quern {

// Thread-safe.
class ByteBudget {
 public:
  explicit ByteBudget(Bytes most) : most_(most.count) {}

  // Of one request or connection; given back when it is destroyed. One thread at a time.
  class Share {
   public:
    explicit Share(std::shared_ptr<ByteBudget> budget) : budget_(std::move(budget)) {}
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    ~Share() { budget_->used_ -= held_; }
    // Holds at least so many bytes from now on. False, and nothing changed: the budget has no more.
    bool hold(std::uint64_t bytes) {
      if (bytes <= held_) return true;
      if (!budget_->take(bytes - held_)) return false;
      held_ = bytes;
      return true;
    }
    // No more than so many.
    void keep(std::uint64_t bytes) {
      if (bytes >= held_) return;
      budget_->used_ -= held_ - bytes;
      held_ = bytes;
    }

    std::uint64_t held() const { return held_; }
    // So many would be too many even if nobody else held any.
    bool never_fits(std::uint64_t bytes) const { return bytes > budget_->most_; }

   private:
    const std::shared_ptr<ByteBudget> budget_;  // shared with the others
    std::uint64_t held_ = 0;
  };

 private:
  bool take(std::uint64_t bytes) {
    std::uint64_t used = used_;
    while (bytes <= most_ - used) {
      if (used_.compare_exchange_weak(used, used + bytes)) return true;
    }
    return false;
  }

  const std::uint64_t most_;
  std::atomic<std::uint64_t> used_{0};
};

}  // namespace quern
