#include "cli/progress.hpp"

#include "cli/amounts.hpp"

#include <algorithm>

namespace quern::cli {
namespace {

// Often enough to look alive; seldom enough to cost nothing and to keep a log readable.
constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::chrono::milliseconds kNewLine{5000};

std::string bar(double part) {
  constexpr std::size_t kCells = 20;
  const auto full = static_cast<std::size_t>(part * kCells);
  return "[" + std::string(full, '#') + std::string(kCells - full, '-') + "]";
}

}  // namespace

std::string progress_line(std::string_view name, const catalog::Progress& progress,
                          std::size_t width) {
  std::string line = "  " + std::string(name) + "  ";
  if (progress.total > 0) {
    const double part =
        std::min(1.0, static_cast<double>(progress.done) / static_cast<double>(progress.total));
    std::string percent = std::to_string(static_cast<int>(part * 100)) + "%";
    percent.insert(0, 4 - std::min<std::size_t>(4, percent.size()), ' ');
    line += bar(part) + " " + percent + "  " + to_string(Bytes{progress.done}) + " of " +
            to_string(Bytes{progress.total});
  } else {
    line += to_string(Bytes{progress.done});
  }
  if (progress.bytes_per_second > 0) {
    line += "  " + to_string(Bytes{static_cast<std::uint64_t>(progress.bytes_per_second)}) + "/s";
  }
  if (progress.left.count() > 0) line += "  " + to_text(progress.left) + " left";
  return line.substr(0, width);
}

void ProgressBar::show(const catalog::Progress& progress) {
  const std::lock_guard lock(mutex_);
  if (progress.source != source_) {
    source_ = progress.source;
    if (drawn_) console_.err("\n");
    drawn_ = false;
    console_.err("  from " + source_ + "\n");
  }
  const bool complete = progress.total > 0 && progress.done >= progress.total;
  const Clock::Time now = clock_.now();
  if (now < next_ && !complete) return;
  if (console_.err_is_terminal()) {
    next_ = now + kRedraw;
    // One column stays free: some terminals wrap when the last one is written.
    console_.err("\r\x1b[K" + progress_line(name_, progress, console_.width() - 1));
    drawn_ = true;
  } else {
    next_ = now + kNewLine;
    console_.err(progress_line(name_, progress, std::string::npos) + "\n");
  }
}

void ProgressBar::finish() {
  const std::lock_guard lock(mutex_);
  if (drawn_) console_.err("\n");
  drawn_ = false;
}

}  // namespace quern::cli
