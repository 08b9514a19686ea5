#include "http/idle_wires.hpp"

#include <poll.h>

#include <iterator>
#include <utility>

namespace quern::http {
namespace {

// A server that closed it, or says what nobody asked for, is heard without waiting.
bool is_quiet(const Wire& wire) {
  pollfd watched{.fd = wire.socket(), .events = POLLIN, .revents = 0};
  return ::poll(&watched, 1, 0) == 0;
}

}  // namespace

std::optional<Wire> IdleWires::take(const std::string& place) {
  const auto now = std::chrono::steady_clock::now();
  std::list<Idle> gone;  // closed outside the lock
  std::optional<Wire> found;
  idle_.with([&](std::list<Idle>& all) {
    for (auto at = all.begin(); at != all.end() && !found;) {
      const auto one = at++;
      const bool usable = now - one->since <= limits_.longest && is_quiet(one->wire);
      if (usable && one->place != place) continue;
      if (usable) found = std::move(one->wire);
      gone.splice(gone.end(), all, one);
    }
  });
  return found;
}

void IdleWires::put(std::string place, Wire wire) {
  std::list<Idle> gone;
  std::list<Idle> fresh;
  fresh.push_back({std::move(place), std::move(wire), std::chrono::steady_clock::now()});
  const auto now = fresh.front().since;
  idle_.with([&](std::list<Idle>& all) {
    all.splice(all.begin(), fresh);
    // take() finds the latest first, and may never come to those that nobody asks for any more.
    while (all.size() > limits_.most || (!all.empty() && now - all.back().since > limits_.longest))
      gone.splice(gone.end(), all, std::prev(all.end()));
  });
}

}  // namespace quern::http
