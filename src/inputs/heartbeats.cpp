#include "inputs/heartbeats.hpp"

#include "inputs/next_datagram.hpp"

#include <chrono>
#include <string>

namespace quern::inputs {
namespace {

class Allowance {
 public:
  bool take(Clock::Time now) {
    if (now - since_ >= std::chrono::seconds(1)) {
      since_ = now;
      left_ = kMostBeats;
    }
    if (left_ == 0) return false;
    --left_;
    return true;
  }

 private:
  Clock::Time since_{};
  std::uint32_t left_ = kMostBeats;
};

}  // namespace

void answer_heartbeats(http::DatagramServer& server, Clock& clock, Notice& notice,
                       std::atomic<std::uint64_t>& answered, const std::stop_token& stop) {
  constexpr std::byte kBeat{0};
  const std::string own_port = ":" + std::to_string(server.port());
  Allowance allowance;
  for (;;) {
    const auto got = next_datagram(server, clock, notice, stop);
    if (!got.ok()) return;
    if (got->bytes.size() != 1 || got->bytes.front() != kBeat) continue;
    if (got->peer.ends_with(own_port)) {
      notice.say("a heartbeat from our own port is not answered: " + got->peer);
    } else if (!allowance.take(clock.now())) {
      notice.say("more than " + std::to_string(kMostBeats) +
                 " heartbeats in a second; not answered: " + got->peer);
    } else {
      ++answered;
      server.answer(got->bytes);
    }
  }
}

}  // namespace quern::inputs
