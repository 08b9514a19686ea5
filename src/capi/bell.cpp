#include "capi/bell.hpp"

#include "base/deadline.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace quern::capi {

Result<std::shared_ptr<Bell>> Bell::create() {
  UniqueFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) {
    return fail(ErrorKind::resource_exhausted, "this process may open no more files (ulimit -n)");
  }
  return std::make_shared<Bell>(std::move(fd));
}

// Both calls fail only where there is nothing to do: it rings already, or it does not.
void Bell::ring() noexcept { static_cast<void>(::eventfd_write(fd_.get(), 1)); }

void Bell::silence() noexcept {
  eventfd_t rung = 0;
  static_cast<void>(::eventfd_read(fd_.get(), &rung));
}

Result<> Bell::wait(std::optional<std::chrono::milliseconds> longest) const {
  const Deadline deadline = longest ? Deadline::in(*longest) : Deadline::never();
  for (;;) {
    const std::int64_t left =
        std::min<std::int64_t>(deadline.left().count(), std::numeric_limits<int>::max());
    pollfd rung{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    const int count = ::poll(&rung, 1, deadline.is_never() ? -1 : static_cast<int>(left));
    if (count > 0) return {};
    if (count < 0 && errno != EINTR) {
      return fail(ErrorKind::internal, "poll failed: " + std::to_string(errno));
    }
    if (deadline.passed()) return fail(ErrorKind::deadline_exceeded, "nothing came in that time");
  }
}

}  // namespace quern::capi
