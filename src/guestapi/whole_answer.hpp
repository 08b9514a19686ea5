// An answer that one call waits for as a whole, in interfaces that do not stream.
//
// In the instance's table like a resource, though the guest knows no number for it, so that the
// instance's end cancels it. The call is kept here and not in the wake that the model holds, for
// the reason that LlmGeneration gives. The model's thread collects the pieces as they come.
#pragma once

#include "guestapi/guest_instance.hpp"
#include "guestapi/reservation.hpp"
#include "inference/inference.hpp"
#include "wasm/host.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace quern::guestapi {

class WholeAnswer final : public Handle, public std::enable_shared_from_this<WholeAnswer> {
 public:
  struct Text {
    std::string text;
    inference::Usage usage;
  };
  // Called with the call once, when the text, or an error, is there; not after ended().
  using Answer = std::function<void(wasm::HostCall&, const Result<Text>&)>;

  // An error when the instance may have no more handles, or is gone.
  static Result<> begin(GuestInstance& guest, std::shared_ptr<wasm::HostCall> call,
                        std::unique_ptr<inference::Generation> generation, Reservation reservation,
                        Answer answer);

  WholeAnswer(std::shared_ptr<wasm::HostCall> call,
              std::unique_ptr<inference::Generation> generation, Reservation reservation,
              Answer answer)
      : generation_(std::move(generation)),
        reservation_(std::move(reservation)),
        answer_(std::move(answer)),
        call_(std::move(call)) {}
  ~WholeAnswer() override { reservation_.settle(generation_->usage()); }
  void ended() override;

 private:
  // Reads until there is nothing more for now, or the end.
  void listen();
  void woken();
  // True when the answer is over.
  bool take();
  void finish(const Result<Text>& result);

  const std::unique_ptr<inference::Generation> generation_;
  Reservation reservation_;
  const Answer answer_;
  std::uint32_t id_ = 0;
  Text text_;

  // Who listens goes on when a wake comes meanwhile, so that wakes never nest.
  enum class Ear : std::uint8_t { listening, armed, woken };
  std::atomic<Ear> ear_{Ear::listening};

  std::mutex mutex_;  // of the call; never held while calling out
  std::shared_ptr<wasm::HostCall> call_;
};

}  // namespace quern::guestapi
