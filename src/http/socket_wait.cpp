#include "http/socket_wait.hpp"

#include "base/stop.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <limits>
#include <system_error>

namespace quern::http {
namespace {

// How often the stop is looked at where the system has no descriptor left for a bell.
constexpr std::chrono::milliseconds kStopCheck(50);
constexpr std::chrono::milliseconds kLongest(std::numeric_limits<int>::max());

}  // namespace

std::string problem_text(int problem) { return std::generic_category().message(problem); }

Result<> SocketWait::wait(int socket, short events, Deadline deadline,
                          const std::stop_token& stop) {
  if (!bell_ && stop.stop_possible()) bell_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const int bell = bell_.get();
  const std::stop_callback ring(stop, [bell]() noexcept {
    if (bell >= 0) ::eventfd_write(bell, 1);
  });
  const bool can_sleep = bell >= 0 || !stop.stop_possible();
  for (;;) {
    TRY(still_wanted(stop, deadline));
    std::array<pollfd, 2> watched{{{.fd = socket, .events = events, .revents = 0},
                                   {.fd = bell, .events = POLLIN, .revents = 0}}};
    const auto longest = std::min(deadline.left(), can_sleep ? kLongest : kStopCheck);
    const int ready = ::poll(watched.data(), watched.size(), static_cast<int>(longest.count()));
    if (ready < 0 && errno != EINTR)
      return fail(ErrorKind::unavailable, "waiting for a connection: " + problem_text(errno));
    if (ready <= 0) continue;
    if (watched[0].revents != 0) return {};
    // Rung; by an earlier call's stop it may be, which is not this one's.
    eventfd_t count = 0;
    ::eventfd_read(bell, &count);
  }
}

}  // namespace quern::http
