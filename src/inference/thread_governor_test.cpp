#include "inference/thread_governor.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace quern::inference {
namespace {

using std::chrono::duration_cast;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using Millis = std::chrono::duration<double, std::milli>;

// A machine with as many cores as the governor has threads, and other programs that keep some of
// them busy. One thread shares its core fairly; several wait for each other's turn.
struct Machine {
  std::uint32_t cores;
  std::uint32_t busy = 0;
  double jitter = 0;
  double queue = 300;  // ms in which the threads of one step wait for processors and each other
  double context = 1;  // a longer text makes steps slower with any number of threads
  std::mt19937 random{7};

  ThreadGovernor::Step step(std::uint32_t threads, std::uint32_t tokens) {
    const double alone = 14 * context * (1 + 0.1 * (tokens - 1));  // ms of one thread
    double wall = alone / std::pow(threads, 0.9);
    double ran = 1;
    if (threads + busy > cores) {
      wall = threads == 1 ? wall * (1 + static_cast<double>(busy) / cores) : wall + queue;
      ran = 0.5;
    }
    wall *= 1 + jitter * (2 * static_cast<double>(random() % 1000) / 999 - 1);
    return {.tokens = tokens,
            .wall = duration_cast<nanoseconds>(Millis(wall)),
            .ran = duration_cast<nanoseconds>(Millis(wall * ran))};
  }
};

class Workload {
 public:
  explicit Workload(std::uint32_t cores) : machine{.cores = cores}, governor_(cores) {}

  std::uint32_t threads() const { return governor_.threads(); }
  nanoseconds computed() const { return computed_; }
  // Every number of threads that a step was computed with, since `forget`.
  const std::vector<std::uint32_t>& used() const { return used_; }
  void forget() { used_.clear(); }
  std::vector<std::uint32_t> levels() const {
    return {governor_.levels().begin(), governor_.levels().end()};
  }

  void step(std::uint32_t tokens = 1, double slower = 1) {
    auto step = machine.step(threads(), tokens);
    step.wall = duration_cast<nanoseconds>(step.wall * slower);
    step.ran = duration_cast<nanoseconds>(step.ran * slower);
    used_.push_back(threads());
    computed_ += step.wall;
    governor_.took(step);
  }
  void steps(int count) {
    for (int i = 0; i < count; ++i) step();
  }
  // Until the governor stays with one number for 20 steps; how many steps it took before.
  int steps_to_rest() {
    int moved = 0;
    for (int i = 1; i < moved + 20; ++i) {
      const auto before = threads();
      step();
      if (threads() != before) moved = i;
    }
    return moved;
  }

  Machine machine;

 private:
  ThreadGovernor governor_;
  nanoseconds computed_{};
  std::vector<std::uint32_t> used_;
};

bool all_are(const std::vector<std::uint32_t>& numbers, std::uint32_t number) {
  return std::all_of(numbers.begin(), numbers.end(), [&](auto n) { return n == number; });
}

TEST(ThreadGovernor, HasAllThreadsAllButOneAndHalves) {
  using Levels = std::vector<std::uint32_t>;
  EXPECT_EQ(Workload(1).levels(), (Levels{1}));
  EXPECT_EQ(Workload(2).levels(), (Levels{2, 1}));
  EXPECT_EQ(Workload(3).levels(), (Levels{3, 2, 1}));
  EXPECT_EQ(Workload(4).levels(), (Levels{4, 3, 2, 1}));
  EXPECT_EQ(Workload(16).levels(), (Levels{16, 15, 8, 4, 2, 1}));
}

TEST(ThreadGovernor, OneThreadStaysOne) {
  Workload run(1);
  run.machine.jitter = 0.9;
  run.steps(100);
  run.machine.busy = 4;
  run.steps(100);
  EXPECT_TRUE(all_are(run.used(), 1));
}

TEST(ThreadGovernor, AQuietMachineIsNeverExplored) {
  for (const std::uint32_t cores : {2U, 3U, 16U}) {
    Workload run(cores);
    run.machine.jitter = 0.3;
    for (int i = 0; i < 50'000; ++i) run.step(1, i % 10 == 3 ? 20 : 1);
    EXPECT_TRUE(all_are(run.used(), cores)) << cores;
  }
}

// Per token a long prompt costs a tenth of what a decode step costs.
TEST(ThreadGovernor, StepsOfOneSizeAreNotComparedWithThoseOfAnother) {
  Workload run(2);
  run.machine.jitter = 0.3;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 30; ++i) run.step(512);
    run.steps(30);
    for (int i = 0; i < 30; ++i) {
      run.step(257);
      run.step(1);
      run.step(8);
    }
  }
  EXPECT_TRUE(all_are(run.used(), 2));
}

TEST(ThreadGovernor, OthersOnTheProcessorsLeaveTheBestNumber) {
  struct Case {
    std::uint32_t cores, busy, best;
    int steps;  // four to notice, three for each level
  };
  for (const Case& c : {Case{2, 2, 1, 7}, Case{2, 1, 1, 7}, Case{3, 1, 2, 10}, Case{3, 3, 1, 10},
                        Case{16, 1, 15, 13}, Case{16, 12, 4, 19}, Case{16, 16, 1, 19}}) {
    Workload run(c.cores);
    run.steps(100);
    run.machine.busy = c.busy;
    EXPECT_LE(run.steps_to_rest(), c.steps) << c.cores << " cores, " << c.busy << " busy";
    EXPECT_EQ(run.threads(), c.best) << c.cores << " cores, " << c.busy << " busy";
  }
}

TEST(ThreadGovernor, MoreOfThemLeaveFewerThreads) {
  Workload run(16);
  run.steps(100);
  run.machine.busy = 1;
  run.steps_to_rest();
  EXPECT_EQ(run.threads(), 15U);
  run.machine.busy = 12;
  run.steps_to_rest();
  EXPECT_EQ(run.threads(), 4U);
}

// Nobody has seen then how long a step should take.
TEST(ThreadGovernor, NoticesThemAlsoWhenTheyWereThereFirst) {
  for (const std::uint32_t cores : {2U, 16U}) {
    Workload run(cores);
    run.machine.busy = cores;
    EXPECT_LE(run.steps_to_rest(), 19) << cores;
    EXPECT_EQ(run.threads(), 1U) << cores;
  }
}

TEST(ThreadGovernor, AllThreadsAreBackSoonAfterTheOthersWent) {
  for (const std::uint32_t cores : {2U, 3U, 16U}) {
    for (const std::uint32_t busy : {1U, cores}) {
      Workload run(cores);
      run.machine.jitter = 0.1;
      run.steps(100);
      run.machine.busy = busy;
      while (run.computed() < seconds(100)) run.step();
      EXPECT_LT(run.threads(), cores);
      run.machine.busy = 0;
      const auto ended = run.computed();
      while (run.threads() < cores && run.computed() < ended + seconds(100)) run.step();
      // The longest wait, and on each level four steps to rest and two to look.
      EXPECT_LT(run.computed() - ended, seconds(17)) << cores << " cores, " << busy << " busy";
      run.forget();
      run.steps(2000);
      EXPECT_TRUE(all_are(run.used(), cores)) << cores << " cores, " << busy << " busy";
    }
  }
}

TEST(ThreadGovernor, AfterAShortWhileTheyAreBackSooner) {
  Workload run(2);
  run.steps(100);
  run.machine.busy = 2;
  run.steps_to_rest();
  run.machine.busy = 0;
  const auto ended = run.computed();
  while (run.threads() < 2 && run.computed() < ended + seconds(100)) run.step();
  EXPECT_LT(run.computed() - ended, seconds(1));
}

TEST(ThreadGovernor, LooksUpwardsBecomeRareAndAreGivenUpAtOnce) {
  Workload run(2);
  run.machine.jitter = 0.3;
  run.steps(100);
  run.machine.busy = 2;
  run.steps_to_rest();
  run.forget();
  const auto began = run.computed();
  while (run.computed() < began + seconds(600)) run.step();
  // After 0.5, 1, 2, 4, 8 s, then every 16 s, and one step each.
  EXPECT_LE(std::count(run.used().begin(), run.used().end(), 2U), 5 + 600 / 16);
  EXPECT_GE(std::count(run.used().begin(), run.used().end(), 2U), 600 / 17);
}

// Many programs on few processors: a step of 8 ms can take seconds, so each one counts.
TEST(ThreadGovernor, ADisasterIsNotWaitedForTwice) {
  for (const std::uint32_t cores : {2U, 16U}) {
    Workload run(cores);
    run.steps(100);
    run.machine.busy = cores;
    run.machine.queue = 5000;
    EXPECT_LE(run.steps_to_rest(), cores == 2 ? 4 : 8) << cores;
    EXPECT_EQ(run.threads(), 1U) << cores;
    const auto began = run.computed();
    run.forget();
    while (run.computed() < began + seconds(600)) run.step();
    const auto slow = run.used().size() - static_cast<std::size_t>(
                                              std::count(run.used().begin(), run.used().end(), 1U));
    EXPECT_LE(slow, 20U) << cores;  // a look of 5 s after 40 s each
  }
}

TEST(ThreadGovernor, AfterOneDisasterAllThreadsAreBackSoon) {
  Workload run(2);
  run.steps(100);
  run.step(1, 100);
  const auto ended = run.computed();
  run.step();
  EXPECT_EQ(run.threads(), 1U);
  while (run.threads() < 2 && run.computed() < ended + seconds(100)) run.step();
  EXPECT_LT(run.computed() - ended, seconds(1));
}

// A conversation that is longer than those before slows every number of threads alike.
TEST(ThreadGovernor, WhatFewerThreadsDoNotCureIsNotTriedOften) {
  for (const std::uint32_t cores : {2U, 16U}) {
    Workload run(cores);
    run.machine.jitter = 0.3;
    run.steps(100);
    run.machine.context = 4;
    run.forget();
    run.steps(5000);
    EXPECT_EQ(run.threads(), cores);
    const auto all = std::count(run.used().begin(), run.used().end(), cores);
    EXPECT_GT(all, 5000 - 50) << cores;
  }
}

// Long and short conversations in turn look like trouble at each long one. What is tried then must
// not put off the look upwards.
TEST(ThreadGovernor, AlternatingContextsDoNotKeepThreadsAway) {
  Workload run(16);
  run.steps(100);
  run.machine.busy = 12;
  while (run.computed() < seconds(100)) run.step();
  run.machine.busy = 0;
  run.forget();
  const auto ended = run.computed();
  while (run.computed() < ended + seconds(600)) {
    run.machine.context = run.machine.context == 1 ? 2.5 : 1;
    run.steps(40);
  }
  EXPECT_GT(2 * std::count(run.used().begin(), run.used().end(), 16U), std::ssize(run.used()));
}

// Three steps of a class that does not come again are no reason to stay where one is.
TEST(ThreadGovernor, ATrialThatCannotEndIsGivenUp) {
  Workload run(2);
  for (int i = 0; i < 50; ++i) run.step(512);
  for (int i = 0; i < 4; ++i) run.step(512, 10);
  EXPECT_EQ(run.threads(), 1U);
  run.steps(12);
  EXPECT_EQ(run.threads(), 2U);
}

}  // namespace
}  // namespace quern::inference
