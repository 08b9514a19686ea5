#include "guestapi/nn_asking.hpp"

#include <utility>

namespace quern::guestapi {

std::function<void()> NnAsking::waker() {
  return [self = shared_from_this()] { self->wake(); };
}

void NnAsking::wake() {
  for (State seen = state_.load();;) {
    if (seen == State::waiting) {
      if (state_.compare_exchange_weak(seen, State::running)) return run();
    } else if (seen == State::running) {
      if (state_.compare_exchange_weak(seen, State::woken)) return;
    } else {
      return;
    }
  }
}

void NnAsking::run() {
  for (;;) {
    const NnStep step = step_(*this);
    if (!step.is_pending()) {
      state_ = State::over;
      const Call call = std::exchange(call_, nullptr);
      step_ = nullptr;
      std::exchange(answer_, nullptr)(*call, step);
      return;
    }
    State expected = State::running;
    if (state_.compare_exchange_strong(expected, State::waiting)) return;
    state_ = State::running;  // it was woken meanwhile
  }
}

}  // namespace quern::guestapi
