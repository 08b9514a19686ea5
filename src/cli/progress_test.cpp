#include "cli/progress.hpp"

#include "base/fakes.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace quern::cli {
namespace {

const catalog::Progress kHalf{.source = "hub",
                              .done = (50_MiB).count,
                              .total = (100_MiB).count,
                              .bytes_per_second = 1024.0 * 1024 * 2.5,
                              .left = std::chrono::seconds(20)};

TEST(Progress, SaysHowMuchHowFastHowLong) {
  EXPECT_EQ(progress_line("gemma", kHalf, 200),
            "  gemma  [##########----------]  50%  50 MiB of 100 MiB  2.5 MiB/s  20 s left");
  EXPECT_EQ(progress_line("gemma", {.done = 1024}, 200), "  gemma  1 KiB");
  EXPECT_EQ(progress_line("gemma", kHalf, 20).size(), 20U);
}

TEST(Progress, NeverShowsMoreThanAll) {
  EXPECT_NE(progress_line("x", {.done = 300, .total = 100}, 200).find("100%"), std::string::npos);
}

TEST(ProgressBar, RedrawsOneLineOnATerminal) {
  FakeConsole console;
  console.terminal = true;
  ManualClock clock;
  {
    ProgressBar bar("gemma", console, clock);
    bar.show(kHalf);
    bar.show(kHalf);
    clock.advance(std::chrono::milliseconds(200));
    bar.show(kHalf);
  }
  EXPECT_EQ(std::count(console.written_err.begin(), console.written_err.end(), '\r'), 2);
  EXPECT_TRUE(console.written_err.starts_with("  from hub\n"));
  EXPECT_TRUE(console.written_err.ends_with("\n"));
}

TEST(ProgressBar, WritesALineNowAndThenElsewhere) {
  FakeConsole console;
  ManualClock clock;
  ProgressBar bar("gemma", console, clock);
  for (int second = 0; second < 11; ++second) {
    bar.show(kHalf);
    clock.advance(std::chrono::seconds(1));
  }
  EXPECT_EQ(std::count(console.written_err.begin(), console.written_err.end(), '\n'), 4);
  EXPECT_EQ(console.written_err.find('\r'), std::string::npos);
}

}  // namespace
}  // namespace quern::cli
