// Heartbeats of the Forward protocol by UDP: a datagram of one zero byte asks whether somebody is
// there, and is answered alike.
#pragma once

#include "base/clock.hpp"
#include "http/stream.hpp"

#include "inputs/notice.hpp"

#include <atomic>
#include <cstdint>
#include <stop_token>

namespace quern::inputs {

// An answer looks like a question, so that two who answer could keep each other at it for ever:
// nobody is answered at our own port, which whoever forges a sender may name, and so many in one
// second; what runs in a circle ends there.
inline constexpr std::uint32_t kMostBeats = 1000;

// Until it is stopped. Counts what is answered.
void answer_heartbeats(http::DatagramServer& server, Clock& clock, Notice& notice,
                       std::atomic<std::uint64_t>& answered, const std::stop_token& stop);

}  // namespace quern::inputs
