// Connections that have answered and wait for the next request to the same place.
#pragma once

#include "base/guarded.hpp"
#include "http/wire.hpp"

#include <chrono>
#include <cstdint>
#include <list>
#include <optional>
#include <string>

namespace quern::http {

// Of any thread.
class IdleWires {
 public:
  struct Limits {
    std::uint32_t most = 0;  // of all places together; the one that waits longest goes first
    std::chrono::milliseconds longest{0};  // beyond it is not used, and closed by the next put()
  };
  explicit IdleWires(Limits limits) : limits_(limits) {}

  // The one to this place that was used last and is open still, as far as can be known.
  std::optional<Wire> take(const std::string& place);
  void put(std::string place, Wire wire);

 private:
  struct Idle {
    std::string place;
    Wire wire;
    std::chrono::steady_clock::time_point since;
  };
  const Limits limits_;
  Guarded<std::list<Idle>> idle_;  // the latest first
};

}  // namespace quern::http
