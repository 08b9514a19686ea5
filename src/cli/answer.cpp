#include "cli/answer.hpp"

#include "base/stop.hpp"

#include <memory>

namespace quern::cli {
namespace {

// Shared with the wake, which may come after the reader has gone.
struct Ready {
  std::mutex mutex;
  std::condition_variable_any changed;
  bool ready = false;
};

Result<> wait_for_events(inference::Generation& generation, const std::stop_token& stop) {
  const auto state = std::make_shared<Ready>();
  generation.on_ready([state] {
    {
      const std::lock_guard lock(state->mutex);
      state->ready = true;
    }
    state->changed.notify_all();
  });
  std::unique_lock lock(state->mutex);
  return wait_until(state->changed, lock, Deadline::never(), stop, [&] { return state->ready; });
}

}  // namespace

Result<inference::Finished> read_answer(inference::Generation& generation,
                                        const std::stop_token& stop,
                                        const std::function<void(const inference::Event&)>& show) {
  bool cancelled = false;
  for (;;) {
    // After the cancel the end comes by itself, within one step of the model.
    const Result<> waited = wait_for_events(generation, cancelled ? std::stop_token() : stop);
    if (!waited) {
      generation.cancel();
      cancelled = true;
      continue;
    }
    for (const inference::Event& event : TRY(generation.read())) {
      if (const auto* finished = std::get_if<inference::Finished>(&event)) return *finished;
      show(event);
    }
  }
}

}  // namespace quern::cli
