#include "base/queue.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace quern {
namespace {

using std::chrono::milliseconds;

const std::stop_token kNoStop;
Deadline soon() { return Deadline::in(milliseconds(20)); }
Deadline later() { return Deadline::in(std::chrono::seconds(20)); }

TEST(Queue, GivesItemsInOrder) {
  Queue<std::unique_ptr<int>> queue({.items = 4});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(queue.try_push(std::make_unique<int>(i)).ok());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(**queue.pop(soon(), kNoStop), i);
}

TEST(Queue, FullIsAnAnswerNotAWait) {
  Queue<int> queue({.items = 2});
  ASSERT_TRUE(queue.try_push(1).ok());
  ASSERT_TRUE(queue.try_push(2).ok());
  EXPECT_EQ(queue.try_push(3).error().kind(), ErrorKind::resource_exhausted);
  EXPECT_EQ(queue.push(3, {}, soon(), kNoStop).error().kind(), ErrorKind::deadline_exceeded);
}

TEST(Queue, CountsBytesToo) {
  Queue<int> queue({.items = 100, .bytes = {10}});
  ASSERT_TRUE(queue.try_push(1, {8}).ok());
  EXPECT_EQ(queue.try_push(2, {3}).error().kind(), ErrorKind::resource_exhausted);
  ASSERT_TRUE(queue.try_push(3, {2}).ok());
  ASSERT_TRUE(queue.pop(soon(), kNoStop).ok());
  EXPECT_TRUE(queue.try_push(4, {8}).ok());
}

TEST(Queue, LetsOneOversizedItemThrough) {
  Queue<int> queue({.items = 100, .bytes = {10}});
  ASSERT_TRUE(queue.try_push(1, {1000}).ok());
  EXPECT_FALSE(queue.try_push(2, {0}).ok()) << "nothing fits beside it";
  ASSERT_TRUE(queue.pop(soon(), kNoStop).ok());
  EXPECT_TRUE(queue.try_push(2, {1}).ok());
}

TEST(Queue, CloseDrainsThenSaysUnavailable) {
  Queue<int> queue({.items = 2});
  ASSERT_TRUE(queue.try_push(1).ok());
  queue.close();
  EXPECT_EQ(queue.try_push(2).error().kind(), ErrorKind::unavailable);
  EXPECT_EQ(*queue.pop(soon(), kNoStop), 1);
  EXPECT_EQ(queue.pop(soon(), kNoStop).error().kind(), ErrorKind::unavailable);
}

TEST(Queue, CloseWakesThoseWhoWait) {
  Queue<int> queue({.items = 1});
  Queue<int> full({.items = 1});
  ASSERT_TRUE(full.try_push(1).ok());
  std::jthread popper(
      [&] { EXPECT_EQ(queue.pop(later(), kNoStop).error().kind(), ErrorKind::unavailable); });
  std::jthread pusher([&] {
    EXPECT_EQ(full.push(2, {}, later(), kNoStop).error().kind(), ErrorKind::unavailable);
  });
  std::this_thread::sleep_for(milliseconds(5));
  queue.close();
  full.close();
}

TEST(Queue, StopWakesThoseWhoWait) {
  Queue<int> queue({.items = 1});
  std::jthread popper([&](const std::stop_token& stop) {
    EXPECT_EQ(queue.pop(later(), stop).error().kind(), ErrorKind::cancelled);
  });
  std::this_thread::sleep_for(milliseconds(5));
  popper.request_stop();
}

TEST(Queue, LosesNothingBetweenManyThreads) {
  Queue<int> queue({.items = 3});
  constexpr int kEach = 500;
  long sum = 0;
  std::jthread popper([&] {
    while (true) {
      const Result<int> item = queue.pop(later(), kNoStop);
      if (!item) break;
      sum += *item;
    }
  });
  {
    std::vector<std::jthread> pushers;
    for (int t = 0; t < 3; ++t) {
      pushers.emplace_back([&] {
        for (int i = 1; i <= kEach; ++i) EXPECT_TRUE(queue.push(i, {}, later(), kNoStop).ok());
      });
    }
  }
  queue.close();
  popper.join();
  EXPECT_EQ(sum, 3L * kEach * (kEach + 1) / 2);
}

}  // namespace
}  // namespace quern
