// `type = "stdin"`: lines of standard input, until it ends.
#include "base/unique_fd.hpp"

#include "inputs/lines.hpp"
#include "inputs/makers.hpp"
#include "inputs/now.hpp"
#include "logs/msgpack.hpp"
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace quern::inputs {
namespace {

constexpr int kStopCheck = 100;  // ms

struct StdinOptions {
  std::string tag;
  std::string key;
  Bytes max_line{};
};

class Stdin final : public logs::Input {
 public:
  Stdin(StdinOptions options, Clock& clock) : options_(std::move(options)), clock_(clock) {
    logs::msgpack::Writer writer(before_);
    writer.map(1);
    writer.string(options_.key);
  }

  Result<> run(logs::Sink& sink, std::stop_token stop) override {
    LineBuffer lines(options_.max_line);
    for (bool more = true; more;) {
      if (!TRY(wait(stop))) break;
      more = TRY(read_some(lines));
      if (!more) lines.end();
      TRY(give(lines, sink, stop));
      cut_ = lines.cut();
    }
    return sink.sync();
  }

  std::vector<logs::Figure> figures() const override {
    return {
        {.name = "stdin_lines_cut_total", .value = static_cast<double>(cut_.load()), .labels = {}}};
  }

 private:
  // False: it was stopped.
  static Result<bool> wait(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd watched{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
      if (::poll(&watched, 1, kStopCheck) > 0) return true;
    }
    return false;
  }

  // False: it ended.
  static Result<bool> read_some(LineBuffer& lines) {
    const std::span<std::byte> room = lines.room();
    const ssize_t got = ::read(STDIN_FILENO, room.data(), room.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
    if (got < 0) {
      return fail(ErrorKind::internal,
                  "standard input cannot be read: " + std::generic_category().message(errno));
    }
    lines.filled(static_cast<std::size_t>(got));
    return got > 0;
  }

  Result<> give(LineBuffer& lines, logs::Sink& sink, const std::stop_token& stop) {
    const logs::EventTime now = event_time(clock_);
    logs::Batch batch;
    while (const auto line = lines.next()) {
      batch.add_line(options_.tag, now, before_, *line);
      if (batch.full()) TRY(sink.accept(std::exchange(batch, {}), stop));
    }
    return batch.empty() ? Result<>() : sink.accept(std::move(batch), stop);
  }

  const StdinOptions options_;
  Clock& clock_;
  Buffer before_;
  std::atomic<std::uint64_t> cut_{0};
};

}  // namespace

MadeInput make_stdin(Settings& settings, const logs::StageWorld& world) {
  StdinOptions options;
  options.tag = TRY(settings.text_or("tag", world.name));
  options.key = TRY(settings.text_or("key", "log"));
  options.max_line = TRY(settings.bytes_or("max_line", kLongestLine));
  options.max_line = std::min(options.max_line, kLongestLine);
  return std::make_unique<Stdin>(std::move(options), world.clock);
}

}  // namespace quern::inputs
