#include "cli/signals.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <future>

namespace quern::cli {
namespace {

TEST(Signals, CallTheNewestHandlerThatLives) {
  Signals signals;
  std::promise<int> outer;
  const OnSignal first = signals.on_signal([&](int signal) { outer.set_value(signal); });
  {
    std::promise<int> inner;
    const OnSignal second = signals.on_signal([&](int signal) { inner.set_value(signal); });
    ::kill(::getpid(), SIGINT);
    EXPECT_EQ(inner.get_future().get(), SIGINT);
  }
  ::kill(::getpid(), SIGTERM);
  EXPECT_EQ(outer.get_future().get(), SIGTERM);
}

TEST(SignalsDeathTest, EndTheProcessWhenNobodyIsInterested) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        Signals signals;
        ::kill(::getpid(), SIGTERM);
        ::pause();
      },
      testing::ExitedWithCode(128 + SIGTERM), "");
}

TEST(Signals, ABrokenPipeIsAnErrorNotTheEnd) {
  const Signals signals;
  int ends[2] = {-1, -1};
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  EXPECT_EQ(::write(ends[1], "x", 1), -1);
  ::close(ends[1]);
}

}  // namespace
}  // namespace quern::cli
