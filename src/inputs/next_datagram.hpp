// For inputs that take datagrams as long as they run.
#pragma once

#include "base/clock.hpp"
#include "http/stream.hpp"

#include "inputs/notice.hpp"

#include <stop_token>

namespace quern::inputs {

// The next one. cancelled, and no other error: what else the system says of the socket is told, and
// it is asked again a little later.
inline Result<http::Datagram> next_datagram(http::DatagramServer& server, Clock& clock,
                                            Notice& notice, const std::stop_token& stop) {
  for (;;) {
    Result<http::Datagram> got = server.receive(Deadline::never(), stop);
    if (got.ok() || got.error().kind() == ErrorKind::cancelled) return got;
    notice.say(got.error().describe());
    TRY(clock.sleep(std::chrono::milliseconds(100), stop));
  }
}

}  // namespace quern::inputs
