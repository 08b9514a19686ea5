// State that lies in a folder which one filter has at a time.
//
// A pipeline that changes makes the new filter while the old one still works: the new one takes the
// folder once the old one has let go of it, which is when it was told that all is due. Until then
// it holds a lock beside, from which the old one knows that somebody waits.
#pragma once

#include "base/clock.hpp"
#include "base/files.hpp"
#include "base/guarded.hpp"
#include "base/log.hpp"
#include "base/result.hpp"

#include "logs/stage.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>

namespace quern::insight {

// Does another filter wait for the folder that this one has? Whoever looks takes the lock for a
// moment, so one thread of the filter looks at a time: another would take that for a filter.
inline bool is_waited_for(const logs::StageWorld& world, Guarded<int>& looking) {
  const auto one_at_a_time = looking.lock();
  const auto lock = world.files.try_lock(world.state / "next");
  return !lock.ok() && lock.error().kind() == ErrorKind::unavailable;
}

// Of any thread.
template <class State>
class OnDemand {
 public:
  using Open = std::function<Result<std::shared_ptr<State>>()>;
  OnDemand(const logs::StageWorld& world, Open open) : world_(world), open_(std::move(open)) {}

  // Opens it unless it is open. An error but for unavailable: somebody else has it still.
  Result<> try_open() {
    const auto held = held_.lock();
    if (held->state) return {};
    Result<std::shared_ptr<State>> opened = open_();
    if (!opened.ok()) {
      if (opened.error().kind() != ErrorKind::unavailable) return fail(std::move(opened).error());
      if (!held->waits) {
        // Taken for a moment by who looks: tried again.
        if (auto lock = world_.files.try_lock(world_.state / "next"); lock.ok()) {
          held->waits = *std::move(lock);
        }
      }
      return {};
    }
    held->state = *std::move(opened);
    held->waits = nullptr;
    held->patience = kPatience;
    return {};
  }

  // What is open; null: nothing is.
  std::shared_ptr<State> now() const { return held_.lock()->state; }

  // Waits a few seconds for who has it; later ones do not wait once that was in vain. Null: it
  // could not be opened.
  std::shared_ptr<State> get(const std::stop_token& stop) {
    while (true) {
      (void)try_open();  // tried again with the next records
      bool last = false;
      {
        const auto held = held_.lock();
        if (held->state || held->patience <= std::chrono::milliseconds(0)) return held->state;
        held->patience -= kLook;
        last = held->patience <= std::chrono::milliseconds(0);
      }
      if (last) {
        log::warn("insight", world_.name + ": the filter before still has " +
                                 world_.state.string() +
                                 "; records pass without templates until it lets go");
      }
      if (!world_.clock.sleep(kLook, stop).ok()) return nullptr;
    }
  }

  // Lets go of it: the last who uses it closes it.
  std::shared_ptr<State> take() { return std::exchange(held_.lock()->state, nullptr); }

 private:
  static constexpr std::chrono::milliseconds kLook{20};
  static constexpr std::chrono::milliseconds kPatience{5000};
  struct Held {
    std::shared_ptr<State> state;
    std::unique_ptr<FileLock> waits;
    std::chrono::milliseconds patience = kPatience;
  };
  const logs::StageWorld world_;
  const Open open_;
  mutable Guarded<Held> held_;
};

}  // namespace quern::insight
