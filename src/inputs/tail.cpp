// `type = "tail"`: the options, and the time that drives a Tailer.
#include "base/guarded.hpp"
#include "base/log.hpp"

#include "inputs/file_watch.hpp"
#include "inputs/makers.hpp"
#include "inputs/tailer.hpp"

#include <atomic>
#include <utility>

namespace quern::inputs {
namespace {

namespace fs = std::filesystem;
using logs::Figure;

// Between a look because a file was written to and the next: who writes line by line is read in
// batches all the same.
constexpr std::chrono::milliseconds kApart(10);
constexpr std::chrono::milliseconds kAfterTrouble(1000);
constexpr std::uint64_t kMostFiles = 100'000;

class Tail final : public logs::Input {
 public:
  Tail(TailOptions options, std::chrono::milliseconds poll, const logs::StageWorld& world)
      : options_(std::move(options)), poll_(poll), files_(world.files), clock_(world.clock) {}

  Result<> run(logs::Sink& sink, std::stop_token stop) override {
    const auto tailer = TRY(Tailer::create(options_, files_, clock_));
    FileWatch watch;
    std::uint64_t openings = 0;
    bool written = false;
    while (!stop.stop_requested()) {
      const Result<bool> more = tailer->step(sink, stop);
      if (!more.ok() && more.error().kind() == ErrorKind::cancelled) break;
      const bool in_trouble = note(more.ok() ? Result<>() : fail(more.error())) ||
                              (tailer->commit_is_due() && note(tailer->settle(sink)));
      figures_.with([&](TailFigures& figures) { figures = tailer->figures(); });
      if (in_trouble) {
        (void)clock_.sleep(kAfterTrouble, stop);
      } else if (!*more) {
        if (std::exchange(openings, tailer->openings()) != openings) {
          watch.follow(tailer->open_names());
          watched_ = watch.size();
        }
        if (written) (void)clock_.sleep(kApart, stop);
        const Result<bool> woken = watch.wait(poll_, stop);
        written = woken.ok() && *woken;
      }
    }
    // The last one waits, so that nothing comes twice.
    return tailer->commit(sink);
  }

  std::vector<Figure> figures() const override {
    const TailFigures now = figures_.with([](const TailFigures& figures) { return figures; });
    const auto figure = [](const char* name, auto value) {
      return Figure{.name = name, .value = static_cast<double>(value), .labels = {}};
    };
    return {figure("tail_files_open", now.open),
            figure("tail_files_watched", watched_.load()),
            figure("tail_files_waiting", now.waiting),
            figure("tail_files_unreadable", now.unreadable),
            figure("tail_files_rotated_total", now.rotated),
            figure("tail_files_truncated_total", now.lines.truncated),
            figure("tail_files_copied_total", now.copies),
            figure("tail_lines_cut_total", now.lines.cut_lines),
            figure("tail_bytes_cut_total", now.lines.cut_bytes),
            figure("tail_commits_total", now.commits)};
  }

 private:
  // True: something is wrong. Said once until it is well again.
  bool note(const Result<>& result) {
    if (result.ok()) {
      trouble_.clear();
      return false;
    }
    const std::string what = result.error().describe();
    if (what != trouble_) log::warn("inputs", "tail: it goes on later: " + what);
    trouble_ = what;
    return true;
  }

  const TailOptions options_;
  const std::chrono::milliseconds poll_;  // between two looks at files of which nothing is told
  Files& files_;
  Clock& clock_;
  std::string trouble_;
  Guarded<TailFigures> figures_;
  std::atomic<std::size_t> watched_{0};
};

Result<LineOptions> read_line_options(Settings& settings) {
  return LineOptions{.key = TRY(settings.text_or("key", "log")),
                     .path_key = TRY(settings.text_or("path_key", "")),
                     .offset_key = TRY(settings.text_or("offset_key", "")),
                     .max_line = TRY(settings.bytes_or("max_line", 1_MiB)),
                     .skip_empty = TRY(settings.flag_or("skip_empty_lines", false))};
}

Result<std::vector<std::string>> read_paths(Settings& settings, const logs::StageWorld& world) {
  std::vector<std::string> paths = TRY(settings.texts("path"));
  if (paths.empty()) return settings.wrong("path", "says which files to read, and is missing");
  for (std::string& path : paths) {
    if (path.empty()) return settings.wrong("path", "is empty");
    std::error_code ec;
    path = fs::absolute(world.beside / path, ec).lexically_normal();
  }
  return paths;
}

}  // namespace

MadeInput make_tail(Settings& settings, const logs::StageWorld& world) {
  using namespace std::chrono_literals;
  TailOptions options;
  options.paths = TRY(read_paths(settings, world));
  options.exclude = TRY(settings.texts("exclude"));
  options.tag = TRY(settings.text_or("tag", world.name));
  options.lines = TRY(read_line_options(settings));
  options.read_from_head = TRY(settings.flag_or("read_from_head", false));
  options.gzip = TRY(settings.flag_or("gzip", false));
  options.refresh_interval = TRY(settings.duration_or("refresh_interval", 1s));
  options.rotate_wait = TRY(settings.duration_or("rotate_wait", 5s));
  options.ignore_older = TRY(settings.duration_or("ignore_older", 0ms));
  options.max_files = static_cast<std::uint32_t>(
      TRY(settings.number_or("max_files", 1024, {.least = 1, .most = kMostFiles})));
  options.commit_interval = TRY(settings.duration_or("commit_interval", 1s));
  options.commit_bytes = TRY(settings.bytes_or("commit_bytes", 64_MiB));
  options.positions = world.state / "positions";
  const auto poll = TRY(settings.duration_or("poll_interval", 100ms));
  if (poll.count() == 0) return settings.wrong("poll_interval", "must be longer than nothing");
  return std::make_unique<Tail>(std::move(options), poll, world);
}

}  // namespace quern::inputs
