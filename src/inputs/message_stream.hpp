// Messages of the Forward protocol out of a connection.
#pragma once

#include "base/byte_budget.hpp"
#include "http/stream.hpp"

#include "inputs/message_scanner.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>

namespace quern::inputs {

struct MessageLimits {
  Bytes largest = 16_MiB;
  std::chrono::milliseconds idle{600'000};    // between two messages
  std::chrono::milliseconds message{60'000};  // from a message's first byte to its last
};

// Holds bytes of `share`, and waits for it when the budget has none left; resource_exhausted: too
// long.
Result<> hold_soon(ByteBudget::Share& share, std::uint64_t bytes, const std::stop_token& stop);

// Of one thread.
class MessageStream {
 public:
  MessageStream(http::Stream& stream, const MessageLimits& limits, ByteBudget::Share& share)
      : stream_(stream), limits_(limits), share_(share), scanner_(limits.largest) {}

  // These limits from the next message on.
  void allow(const MessageLimits& limits) {
    limits_ = limits;
    scanner_.allow(limits.largest);
  }

  // The next message, by `latest` at the latest; valid until the next call. Nothing: the peer has
  // ended. Errors of the stream and of MessageScanner.
  Result<std::optional<ByteView>> next(const std::stop_token& stop,
                                       Deadline latest = Deadline::never());
  // One that is here already, or nothing.
  Result<std::optional<ByteView>> next_held();
  std::uint64_t held() const { return bytes_.size(); }

 private:
  Result<> make_room(const std::stop_token& stop);

  http::Stream& stream_;
  MessageLimits limits_;
  ByteBudget::Share& share_;
  MessageScanner scanner_;
  Buffer bytes_;
  std::size_t begin_ = 0;  // of what is not read yet
  std::size_t filled_ = 0;
};

}  // namespace quern::inputs
