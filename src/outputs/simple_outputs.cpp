// Those without a peer that could refuse: null and stdout.
#include "outputs/line_format.hpp"
#include "outputs/makers.hpp"
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

namespace quern::outputs {
namespace {

using logs::Batch;

class NullOutput final : public logs::Output {
 public:
  Result<Batch> deliver(const Batch& /*batch*/, const std::stop_token& /*stop*/) override {
    return Batch();
  }
};

class StdoutOutput final : public logs::Output {
 public:
  StdoutOutput(LineFormat format, std::string name)
      : format_(std::move(format)), name_(std::move(name)) {}

  Result<Batch> deliver(const Batch& batch, const std::stop_token& stop) override {
    Batch dead;
    std::string text;
    for (const logs::Entry& entry : batch) {
      const Result<> written = format_.append(entry, text);
      if (!written.ok()) mark_dead(dead, entry, name_, written.error().describe());
    }
    TRY(write(text, stop));
    return dead;
  }

 private:
  // A pipe takes PIPE_BUF bytes without waiting once poll() says so: nobody who does not read keeps
  // this thread.
  static Result<> write(std::string_view text, const std::stop_token& stop) {
    struct ::stat info{};
    const bool file = ::fstat(STDOUT_FILENO, &info) == 0 && S_ISREG(info.st_mode);
    while (!text.empty()) {
      constexpr int kStep = 100;  // ms
      pollfd ready{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
      const int count = file ? 1 : ::poll(&ready, 1, kStep);
      if (stop.stop_requested()) return fail(ErrorKind::cancelled, "stopped amid a batch");
      if (count == 0 || (count < 0 && errno == EINTR)) continue;
      const ssize_t sent =
          ::write(STDOUT_FILENO, text.data(),
                  file ? text.size() : std::min<std::size_t>(text.size(), PIPE_BUF));
      if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (sent < 0) {
        const int problem = errno;
        // Whoever read it has gone, and nobody can take their place.
        return fail(problem == EPIPE ? ErrorKind::cancelled : ErrorKind::unavailable,
                    std::string("standard output: ") +
                        std::strerror(problem));  // NOLINT(concurrency-mt-unsafe)
      }
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return {};
  }

  const LineFormat format_;
  const std::string name_;
};

}  // namespace

Result<std::unique_ptr<logs::Output>> make_null(Settings& /*settings*/,
                                                const logs::StageWorld& /*world*/) {
  return std::unique_ptr<logs::Output>(std::make_unique<NullOutput>());
}

Result<std::unique_ptr<logs::Output>> make_stdout(Settings& settings,
                                                  const logs::StageWorld& world) {
  LineFormat format = TRY(LineFormat::read(settings));
  return std::unique_ptr<logs::Output>(
      std::make_unique<StdoutOutput>(std::move(format), world.name));
}

}  // namespace quern::outputs
