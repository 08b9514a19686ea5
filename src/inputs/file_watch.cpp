#include "inputs/file_watch.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <set>

namespace quern::inputs {

FileWatch::FileWatch()
    : events_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)),
      bell_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

void FileWatch::follow(const std::vector<std::string>& names) {
  if (!events_) return;
  std::map<std::string, int> now;
  std::set<int> used;
  for (const std::string& name : names) {
    // It is of the file, and stays so when that is renamed: another file may have its name now.
    const int watch = ::inotify_add_watch(events_.get(), name.c_str(), IN_MODIFY);
    if (watch < 0) continue;  // gone, or no watch is left: it is looked at all the same
    now[name] = watch;
    used.insert(watch);
  }
  for (const auto& [name, watch] : watched_) {
    if (!used.contains(watch)) ::inotify_rm_watch(events_.get(), watch);
  }
  watched_ = std::move(now);
}

Result<bool> FileWatch::wait(std::chrono::milliseconds longest, const std::stop_token& stop) {
  const std::stop_callback ring(stop, [this] {
    const std::uint64_t one = 1;
    (void)!::write(bell_.get(), &one, sizeof one);
  });
  std::array<pollfd, 2> watched{{{.fd = bell_.get(), .events = POLLIN, .revents = 0},
                                 {.fd = events_.get(), .events = POLLIN, .revents = 0}}};
  const auto most = static_cast<std::int64_t>(std::numeric_limits<int>::max());
  (void)::poll(watched.data(), watched.size(),
               static_cast<int>(std::clamp<std::int64_t>(longest.count(), 0, most)));
  if (stop.stop_requested()) {
    std::uint64_t rung = 0;
    (void)!::read(bell_.get(), &rung, sizeof rung);
    return fail(ErrorKind::cancelled, "cancelled");
  }
  if (watched[1].revents == 0) return false;
  drain();
  return true;
}

// What it was does not matter: all files are looked at.
void FileWatch::drain() {
  alignas(inotify_event) std::array<char, 4 * 1024> room{};
  while (::read(events_.get(), room.data(), room.size()) > 0) {
  }
}

}  // namespace quern::inputs
