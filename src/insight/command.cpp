#include "insight/command.hpp"

#include "base/deadline.hpp"
#include "base/stop.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <system_error>
#include <thread>

namespace quern::insight {
namespace {

struct SpawnPlan {
  ::posix_spawn_file_actions_t files{};
  ::posix_spawnattr_t attributes{};

  SpawnPlan() {
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&attributes);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      ::posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
    }
    ::posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    ::sigset_t none{};
    ::sigset_t all{};
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    // A group of its own, so that what it starts can be killed with it.
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&files);
  }
};

// Kills what is left of the child's group; the child's status.
int end_all(::pid_t child) {
  int status = 0;
  ::kill(-child, SIGKILL);
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

Result<int> wait_for(::pid_t child, Deadline deadline, const std::stop_token& stop) {
  constexpr std::chrono::milliseconds kLook{10};
  // The child is reaped last: as long as it is not, its number is nobody else's.
  while (true) {
    ::siginfo_t info{};
    const int looked =
        ::waitid(P_PID, static_cast<::id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT);
    if (looked == 0 && info.si_pid == child) break;
    if (const Result<> wanted = still_wanted(stop, deadline); !wanted.ok()) {
      (void)end_all(child);
      return fail(wanted.error());
    }
    std::this_thread::sleep_for(kLook);
  }
  const int status = end_all(child);
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  return fail(ErrorKind::unavailable,
              "the command was ended by signal " + std::to_string(WTERMSIG(status)));
}

}  // namespace

Result<int> run_command(const std::vector<std::string>& command, std::chrono::milliseconds time,
                        const std::stop_token& stop) {
  std::vector<std::string> words = command;
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::string path = "PATH=/usr/local/bin:/usr/bin:/bin";
  char* environment[] = {path.data(), nullptr};
  const SpawnPlan plan;
  ::pid_t child = 0;
  const int failed = ::posix_spawn(&child, words[0].c_str(), &plan.files, &plan.attributes,
                                   arguments.data(), environment);
  if (failed != 0) {
    return fail(ErrorKind::unavailable,
                words[0] + " cannot be started: " + std::generic_category().message(failed));
  }
  return wait_for(child, Deadline::in(time), stop);
}

}  // namespace quern::insight
