// How a download shows: one line that is redrawn on a terminal, a line now and then elsewhere.
#pragma once

#include "base/clock.hpp"
#include "catalog/catalog.hpp"
#include "cli/console.hpp"

#include <mutex>
#include <string>

namespace quern::cli {

// "  gemma  [#########-----------]  45%  113 MiB of 253 MiB  12.3 MiB/s  11 s left", at most
// `width` columns.
std::string progress_line(std::string_view name, const catalog::Progress& progress,
                          std::size_t width);

// Draws on stderr. One download, any thread.
class ProgressBar {
 public:
  ProgressBar(std::string name, Console& console, Clock& clock)
      : name_(std::move(name)), console_(console), clock_(clock) {}
  ~ProgressBar() { finish(); }
  ProgressBar(const ProgressBar&) = delete;

  void show(const catalog::Progress& progress);
  // Ends the line that is being redrawn.
  void finish();

 private:
  const std::string name_;
  Console& console_;
  Clock& clock_;
  std::mutex mutex_;
  Clock::Time next_{};
  std::string source_;
  bool drawn_ = false;
};

}  // namespace quern::cli
