// As Fluent Bit's exec_wasi (https://docs.fluentbit.io/manual/pipeline/inputs/exec-wasi), but a
// line is a record as soon as it is printed, whole up to 1 MiB, and how a program ends is looked
// at.
#include "plugins/exec_wasi.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "base/unique_fd.hpp"

#include "logs/record.hpp"
#include "plugins/env_state.hpp"
#include "plugins/load.hpp"
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <future>
#include <string>
#include <system_error>
#include <utility>

namespace quern::plugins {
namespace {

using logs::Batch;
using std::chrono::milliseconds;

constexpr std::size_t kReadAtOnce = 64 * 1024;
// With its key it is a record, and that has a limit of its own.
constexpr std::size_t kLongestKey = 256;
constexpr std::size_t kLongestLine = logs::kLargestRecord.count - kLongestKey - 16;
constexpr milliseconds kLongestPause{300'000};
constexpr std::chrono::hours kForEver{24 * 365};

struct Options {
  std::string name;
  std::string tag;
  std::string key;
  wasm::Sandbox sandbox;
  milliseconds interval{1000};
  bool once = false;
};

// Bytes become lines, lines records.
class Lines {
 public:
  Lines(const Options& options, Clock& clock) : options_(options), clock_(clock) {}

  void take(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t end = std::min(bytes.find('\n'), bytes.size());
      const std::size_t room = kLongestLine - line_.size();
      line_.append(bytes, 0, std::min(end, room));
      if (end > room) cut_ = true;
      if (end == bytes.size()) return;
      bytes.remove_prefix(end + 1);
      end_line();
    }
  }
  // The last line of a program may have no end.
  void end() {
    if (!line_.empty()) end_line();
  }
  Batch& batch() { return batch_; }
  std::uint64_t lines() const { return lines_; }
  std::uint64_t cut() const { return cut_lines_; }

 private:
  void end_line() {
    if (line_.ends_with('\r')) line_.pop_back();
    record_.clear();
    logs::line_record(options_.key, line_, record_);
    batch_.add(options_.tag, now(), record_);
    ++lines_;
    if (std::exchange(cut_, false)) ++cut_lines_;
    line_.clear();
  }
  logs::EventTime now() const {
    const auto since = clock_.date().time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
    const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(since - seconds);
    return {.seconds = static_cast<std::uint32_t>(seconds.count()),
            .nanoseconds = static_cast<std::uint32_t>(rest.count())};
  }

  const Options& options_;
  Clock& clock_;
  std::string line_;
  bool cut_ = false;
  Buffer record_;
  Batch batch_;
  std::uint64_t lines_ = 0;
  std::uint64_t cut_lines_ = 0;
};

class ExecWasi final : public logs::Input {
 public:
  ExecWasi(std::shared_ptr<wasm::Linked> linked, Options options, Clock& clock)
      : linked_(std::move(linked)), options_(std::move(options)), clock_(clock) {}

  Result<> run(logs::Sink& sink, std::stop_token stop) override {
    milliseconds pause{0};
    while (!stop.stop_requested()) {
      const Result<int> code = TRY(run_once(sink, stop));
      if (stop.stop_requested()) return {};
      ++runs_;
      const bool good = code.ok() && *code == 0;
      const std::string why =
          code.ok() ? "it ended with code " + std::to_string(*code) : code.error().describe();
      if (!good) ++failed_;
      if (options_.once) return good ? Result<>() : fail(ErrorKind::unavailable, why);
      pause = good ? options_.interval
                   : std::clamp(2 * pause, std::max(options_.interval, milliseconds(1000)),
                                std::max(options_.interval, kLongestPause));
      if (!good) {
        log::warn("plugins", options_.name + ": " + printable(why, 512) + "; again in " +
                                 std::to_string(pause.count()) + " ms");
      }
      if (!clock_.sleep(pause, stop).ok()) return {};
    }
    return {};
  }

  std::vector<logs::Figure> figures() const override {
    const auto number = [](const std::atomic<std::uint64_t>& of) {
      return static_cast<double>(of.load(std::memory_order_relaxed));
    };
    return {{.name = "wasm_runs_total", .value = number(runs_)},
            {.name = "wasm_runs_failed_total", .value = number(failed_)},
            {.name = "wasm_lines_total", .value = number(lines_)},
            {.name = "wasm_lines_cut_total", .value = number(cut_)}};
  }

 private:
  // How the program ended; an error of ours or of the branches is the outer one.
  Result<Result<int>> run_once(logs::Sink& sink, const std::stop_token& stop) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
      return fail(ErrorKind::resource_exhausted,
                  std::string("no pipe: ") + std::generic_category().message(errno));
    }
    const UniqueFd reading(ends[0]);
    auto writing = std::make_shared<UniqueFd>(ends[1]);
    wasm::Sandbox sandbox = options_.sandbox;
    sandbox.out_pipe = ends[1];
    sandbox.err = std::make_shared<EnvState>(options_.name);
    auto ended = std::make_shared<std::promise<Result<int>>>();
    auto code = ended->get_future();
    // Closes the pipe: what reads it comes to its end.
    auto done = [ended, writing = std::move(writing)](Result<int> how) mutable {
      writing.reset();
      ended->set_value(std::move(how));
    };
    const auto running = linked_->run(std::move(sandbox), std::move(done));
    const auto cancel = [&running](const char* why) {
      running->cancel(Error(ErrorKind::cancelled, why));
    };
    const std::stop_callback stopped(stop, [&cancel] { cancel("the pipeline ends"); });
    const Result<> read = read_lines(reading.get(), sink, stop);
    if (!read.ok()) cancel("nobody takes its lines");
    Result<int> how = code.get();
    if (!read.ok() && !stop.stop_requested()) return fail(read.error());
    return how;
  }

  Result<> read_lines(int fd, logs::Sink& sink, const std::stop_token& stop) {
    Lines lines(options_, clock_);
    std::string bytes(kReadAtOnce, '\0');
    for (;;) {
      const ssize_t size = ::read(fd, bytes.data(), bytes.size());
      if (size < 0 && errno == EINTR) continue;
      if (size < 0)
        return fail(ErrorKind::internal,
                    std::string("a pipe: ") + std::generic_category().message(errno));
      if (size == 0) lines.end();
      lines.take(std::string_view(bytes).substr(0, static_cast<std::size_t>(size)));
      lines_ = counted_ + lines.lines();
      cut_ = counted_cut_ + lines.cut();
      const bool hand_on = size == 0 || lines.batch().full() || !more(fd);
      if (hand_on && !lines.batch().empty()) {
        TRY(sink.accept(std::exchange(lines.batch(), {}), stop));
      }
      if (size == 0) break;
    }
    counted_ = lines_;
    counted_cut_ = cut_;
    return {};
  }

  // Is there something to read at once?
  static bool more(int fd) {
    pollfd asked{.fd = fd, .events = POLLIN, .revents = 0};
    return ::poll(&asked, 1, 0) > 0;
  }

  const std::shared_ptr<wasm::Linked> linked_;
  const Options options_;
  Clock& clock_;
  std::atomic<std::uint64_t> runs_ = 0;
  std::atomic<std::uint64_t> failed_ = 0;
  std::atomic<std::uint64_t> lines_ = 0;
  std::atomic<std::uint64_t> cut_ = 0;
  std::uint64_t counted_ = 0;  // of the runs before
  std::uint64_t counted_cut_ = 0;
};

}  // namespace

Result<std::unique_ptr<logs::Input>> make_exec_wasi(Settings& settings,
                                                    const logs::StageWorld& world,
                                                    const EngineSource& source) {
  Options options;
  options.name = world.name;
  options.tag = TRY(settings.text_or("tag", world.name));
  options.key = TRY(settings.text_or("key", "wasi_stdout"));
  if (options.key.size() > kLongestKey) return settings.wrong("key", "is longer than 256 bytes");
  options.interval = TRY(settings.duration_or("interval", options.interval));
  options.once = TRY(settings.flag_or("oneshot", false));
  wasm::Sandbox& sandbox = options.sandbox;
  sandbox.args = TRY(settings.texts("args"));
  sandbox.args.insert(sandbox.args.begin(), world.name);
  sandbox.env = TRY(settings.pairs("env"));
  sandbox.directories = TRY(directories(settings, world));
  sandbox.limits.memory = TRY(settings.bytes_or("memory", 256_MiB));
  sandbox.limits.wall = TRY(settings.duration_or("time", kForEver));
  sandbox.limits.cpu = TRY(settings.duration_or("cpu_time", kForEver));
  sandbox.limits.output = {~std::uint64_t{0}};  // the pipe is its bound
  sandbox.log_tag = world.name + ": ";
  wasm::Engine& engine = *TRY(source());
  const LoadedProgram loaded = TRY(load(settings, world, engine));
  if (!loaded.program->is_command()) {
    return settings.wrong(loaded.key, "is no command: it exports neither _start nor wasi:cli/run");
  }
  auto linked = engine.link(loaded.program, {});
  if (!linked.ok()) return settings.wrong(loaded.key, linked.error().describe());
  return std::make_unique<ExecWasi>(*std::move(linked), std::move(options), world.clock);
}

}  // namespace quern::plugins
