#include "inference/event_channel.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace quern::inference {
namespace {

std::string text_of(const Event& event) { return std::get<Content>(event).text; }

TEST(EventChannel, DeliversInOrderThenFinishedThenCancelled) {
  EventChannel channel(8, nullptr);
  EXPECT_TRUE(channel.read().value().empty());
  channel.push(Content{"a"});
  channel.push(std::vector<Event>{Content{"b"}, Content{"c"}});
  channel.finish({});
  const auto events = channel.read().value();
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(text_of(events[0]) + text_of(events[1]) + text_of(events[2]), "abc");
  EXPECT_TRUE(std::holds_alternative<Finished>(events[3]));
  EXPECT_EQ(channel.read().error().kind(), ErrorKind::cancelled);
  EXPECT_EQ(channel.read().error().kind(), ErrorKind::cancelled);
}

TEST(EventChannel, GivesWhatWasMadeBeforeTheError) {
  EventChannel channel(8, nullptr);
  channel.push(Content{"a"});
  channel.fail(Error(ErrorKind::deadline_exceeded, "late"));
  channel.push(Content{"lost"});
  EXPECT_EQ(channel.read().value().size(), 1U);
  EXPECT_EQ(channel.read().error().kind(), ErrorKind::deadline_exceeded);
  EXPECT_EQ(channel.read().error().kind(), ErrorKind::cancelled);
}

TEST(EventChannel, CarriesTheNumbersOfAFullContext) {
  EventChannel channel(8, nullptr);
  channel.set_context_full({9, 4});
  channel.fail(Error(ErrorKind::resource_exhausted, "too long"));
  EXPECT_EQ(channel.read().error().kind(), ErrorKind::resource_exhausted);
  EXPECT_EQ(channel.context_full()->prompt_tokens, 9U);
}

TEST(EventChannel, WakesOnceAtOnceOrLater) {
  EventChannel channel(8, nullptr);
  int woken = 0;
  channel.on_ready([&] { ++woken; });
  EXPECT_EQ(woken, 0);
  channel.push(Content{"a"});
  channel.push(Content{"b"});
  EXPECT_EQ(woken, 1);
  channel.on_ready([&] { ++woken; });
  EXPECT_EQ(woken, 2);
  (void)channel.read();
  channel.on_ready([&] { woken += 100; });
  channel.on_ready([&] { ++woken; });  // replaces the earlier one
  channel.fail(Error(ErrorKind::internal, "x"));
  EXPECT_EQ(woken, 3);
  EXPECT_FALSE(channel.read().ok());
  channel.on_ready([&] { ++woken; });  // a read would answer `cancelled`
  EXPECT_EQ(woken, 4);
}

TEST(EventChannel, TellsTheWriterWhenASlowReaderHasCaughtUp) {
  int drained = 0;
  EventChannel channel(2, [&] { ++drained; });
  EXPECT_FALSE(channel.full());
  (void)channel.read();
  EXPECT_EQ(drained, 0);
  channel.push(Content{"a"});
  channel.push(Content{"b"});
  EXPECT_TRUE(channel.full());
  (void)channel.read();
  EXPECT_EQ(drained, 1);
  EXPECT_FALSE(channel.full());
}

TEST(EventChannel, StopReachesAPausedWriter) {
  int drained = 0;
  EventChannel channel(1, [&] { ++drained; });
  channel.push(Content{"a"});
  EXPECT_TRUE(channel.full());
  channel.stop();
  channel.stop();
  EXPECT_TRUE(channel.stopped());
  EXPECT_EQ(drained, 1);
}

TEST(EventChannel, CloseWaitsForARunningWake) {
  EventChannel channel(1, nullptr);
  std::atomic<bool> started = false;
  std::atomic<bool> ended = false;
  channel.on_ready([&] {
    started = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    ended = true;
  });
  std::jthread writer([&] { channel.push(Content{"a"}); });
  while (!started) std::this_thread::yield();
  channel.close();
  EXPECT_TRUE(ended);
}

TEST(EventChannel, MayBeClosedByItsOwnWake) {
  EventChannel channel(1, nullptr);
  channel.on_ready([&] { channel.close(); });
  channel.push(Content{"a"});
  EXPECT_TRUE(channel.stopped());
}

TEST(EventChannel, NothingIsLostBetweenTwoThreads) {
  EventChannel channel(4, nullptr);
  constexpr int kEvents = 20000;
  std::jthread writer([&] {
    for (int i = 0; i < kEvents; ++i) channel.push(Content{"x"});
    channel.finish({});
  });
  int seen = 0;
  for (;;) {
    std::atomic<bool> ready = false;
    channel.on_ready([&] {
      ready = true;
      ready.notify_one();
    });
    ready.wait(false);
    const auto events = channel.read();
    if (!events.ok()) break;
    seen += static_cast<int>(events->size());
  }
  EXPECT_EQ(seen, kEvents + 1);
}

TEST(EventChannel, APacedReaderIsWokenForTheFirstTheLastAndWhenTold) {
  EventChannel channel(100, nullptr);
  channel.pace(std::chrono::hours(1));
  int wakes = 0;
  const auto wait = [&] { channel.on_ready([&] { ++wakes; }); };
  wait();
  channel.push(Content{"a"});
  EXPECT_EQ(wakes, 1) << "nobody waits for a first word";
  EXPECT_EQ(channel.read()->size(), 1U);
  wait();
  channel.push(Content{"b"});
  channel.push(Content{"c"});
  channel.tell_if_due();
  EXPECT_EQ(wakes, 1);
  channel.tell();
  EXPECT_EQ(wakes, 2);
  EXPECT_EQ(channel.read()->size(), 2U);
  channel.push(Content{"d"});
  wait();
  EXPECT_EQ(wakes, 2) << "asking again is no reason";
  channel.finish({});
  EXPECT_EQ(wakes, 3);
  EXPECT_EQ(channel.read()->size(), 2U);
}

TEST(EventChannel, APacedReaderIsWokenWhenItIsTimeOrTheChannelIsFull) {
  EventChannel channel(2, nullptr);
  int wakes = 0;
  const auto wait = [&] { channel.on_ready([&] { ++wakes; }); };
  channel.pace(std::chrono::milliseconds(1));
  wait();
  channel.push(Content{"a"});
  ASSERT_TRUE(channel.read().ok());
  wait();
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  channel.push(Content{"b"});
  EXPECT_EQ(wakes, 2);
  channel.pace(std::chrono::hours(1));
  ASSERT_TRUE(channel.read().ok());
  wait();
  channel.push(Content{"c"});
  EXPECT_EQ(wakes, 2);
  channel.push(Content{"d"});
  EXPECT_EQ(wakes, 3) << "the writer pauses now: nothing more comes before the reader reads";
}

}  // namespace
}  // namespace quern::inference
