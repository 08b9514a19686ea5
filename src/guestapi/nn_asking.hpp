// A component's call on its way through the steps of a back-end, which expects to be asked again.
//
// A step runs on the thread that began the call or on the one that woke it, and never on two at
// once: a wake in the middle of a step has it asked once more after it. The call is answered when a
// step is no longer pending.
#pragma once

#include "guestapi/nn_call.hpp"
#include "guestapi/nn_step.hpp"
#include "wasm/host.hpp"

#include <atomic>
#include <functional>
#include <memory>

namespace quern::guestapi {

class NnAsking final : public NnCall, public std::enable_shared_from_this<NnAsking> {
 public:
  using Call = std::shared_ptr<wasm::HostCall>;
  using Step = std::function<NnStep(NnCall&)>;
  using Answer = std::function<void(wasm::HostCall&, const NnStep&)>;

  // `answer` is called once, after the last step. Both are let go of then.
  NnAsking(Call call, Step step, Answer answer)
      : call_(std::move(call)), step_(std::move(step)), answer_(std::move(answer)) {}

  // The first step. Once.
  void begin() { run(); }
  // The next one, when one waits for it.
  void wake();
  std::function<void()> waker() override;
  // A component's stdout is a stream of its own, which the host does not write to.
  void print(std::string_view /*text*/) override {}

 private:
  enum class State : std::uint8_t { running, woken, waiting, over };
  void run();

  std::atomic<State> state_{State::running};
  Call call_;  // first: it holds the instance that the others lead to
  Step step_;
  Answer answer_;
};

}  // namespace quern::guestapi
