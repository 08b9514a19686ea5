#include "cli/console.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace quern::cli {
namespace {

// The errno of the write that failed; 0: all is written.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace

std::string harmless(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto code = static_cast<unsigned char>(text[i]);
    const bool control = (code < 0x20 && text[i] != '\n' && text[i] != '\t') || code == 0x7f;
    // U+0080 to U+009F, in UTF-8 C2 80 to C2 9F, are control characters as well.
    const bool c1 =
        code == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c1) ++i;
    if (!control && !c1) safe += text[i];
  }
  return safe;
}

void RealConsole::out(std::string_view text) {
  const int code = write_all(STDOUT_FILENO, text);
  if (code == 0 || code == EPIPE || lost_) return;
  lost_ = Error(ErrorKind::internal,
                "the output cannot be written: " + std::generic_category().message(code));
}
void RealConsole::err(std::string_view text) { (void)write_all(STDERR_FILENO, text); }
bool RealConsole::out_is_terminal() const { return ::isatty(STDOUT_FILENO) == 1; }
bool RealConsole::err_is_terminal() const { return ::isatty(STDERR_FILENO) == 1; }
bool RealConsole::in_is_terminal() const { return ::isatty(STDIN_FILENO) == 1; }

std::size_t RealConsole::width() const {
  constexpr std::size_t kDefault = 80;
  ::winsize size{};
  for (const int fd : {STDERR_FILENO, STDOUT_FILENO}) {
    if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  }
  return kDefault;
}

std::string RealConsole::read_all(std::size_t limit) {
  std::string text;
  std::array<char, 4096> part{};
  while (text.size() < limit) {
    const ssize_t got = ::read(STDIN_FILENO, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(part.data(), static_cast<std::size_t>(got));
  }
  text.resize(std::min(text.size(), limit));
  return text;
}

}  // namespace quern::cli
