#include "cli/browser.hpp"

#include "base/text.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <system_error>

extern char** environ;

namespace quern::cli {

std::optional<std::filesystem::path> find_browser(const Process& process, Files& files) {
  if (!process.env("DISPLAY") && !process.env("WAYLAND_DISPLAY")) return std::nullopt;
  const std::string folders = process.env("PATH").value_or("/usr/local/bin:/usr/bin:/bin");
  for (const std::string_view folder : split(folders, ':')) {
    const std::filesystem::path path = std::filesystem::path(folder) / "xdg-open";
    if (path.is_absolute() && files.exists(path)) return path;
  }
  return std::nullopt;
}

Result<> open_page(const std::filesystem::path& browser, const std::string& url) {
  ::posix_spawn_file_actions_t files;
  ::posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&attributes);
  // The browser shall not write into our terminal, nor inherit the signals that we block.
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    ::posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
  }
  ::sigset_t none;
  ::sigset_t defaults;
  ::sigemptyset(&none);
  ::sigemptyset(&defaults);
  ::sigaddset(&defaults, SIGPIPE);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  // Its own group: Ctrl-C here is not meant for it.
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(
      &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  std::string program = browser.string();
  std::string page = url;
  const std::array<char*, 3> arguments{program.data(), page.data(), nullptr};
  ::pid_t child = 0;
  const int code =
      ::posix_spawn(&child, program.c_str(), &files, &attributes, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&attributes);
  if (code != 0) {
    return fail(ErrorKind::unavailable,
                "cannot start " + program + ": " + std::generic_category().message(code));
  }
  // Nobody asks how it went; its end is collected when ours comes.
  return {};
}

}  // namespace quern::cli
