// How many bytes of request bodies an App's requests hold, all together. A count of requests alone
// bounds no memory: one may be a few bytes or many megabytes, and a guest keeps several copies.
#pragma once

#include "base/bytes.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace quern::apphost {

// Thread-safe.
class BodyBudget {
 public:
  explicit BodyBudget(Bytes most) : most_(most.count) {}

  // Of one request; given back when it is destroyed. One thread at a time.
  class Share {
   public:
    explicit Share(std::shared_ptr<BodyBudget> budget) : budget_(std::move(budget)) {}
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

   private:
    const std::shared_ptr<BodyBudget> budget_;  // shared with the App and its other requests
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

}  // namespace quern::apphost
