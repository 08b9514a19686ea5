#include "base/fakes.hpp"

#include "base/stop.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace quern {
namespace {

using std::chrono::milliseconds;

TEST(ManualClock, SleepsUntilItIsWound) {
  ManualClock clock;
  const Clock::Time start = clock.now();
  std::jthread sleeper([&] { EXPECT_TRUE(clock.sleep(milliseconds(100), {}).ok()); });
  while (clock.sleepers() == 0) std::this_thread::yield();
  clock.advance(milliseconds(60));
  EXPECT_EQ(clock.sleepers(), 1);
  clock.advance(milliseconds(40));
  sleeper.join();
  EXPECT_EQ(clock.now() - start, milliseconds(100));
}

TEST(Clock, SleepEndsWithTheStop) {
  SystemClock clock;
  std::jthread sleeper([&](const std::stop_token& stop) {
    EXPECT_EQ(clock.sleep(std::chrono::hours(1), stop).error().kind(), ErrorKind::cancelled);
  });
  sleeper.request_stop();
  sleeper.join();
  EXPECT_TRUE(clock.sleep(milliseconds(1), {}).ok());
}

TEST(Stop, StillWantedUntilStoppedOrLate) {
  std::stop_source source;
  EXPECT_TRUE(still_wanted(source.get_token(), Deadline::never()).ok());
  EXPECT_EQ(still_wanted({}, Deadline::in(milliseconds(-1))).error().kind(),
            ErrorKind::deadline_exceeded);
  source.request_stop();
  EXPECT_EQ(still_wanted(source.get_token(), Deadline::never()).error().kind(),
            ErrorKind::cancelled);
}

struct Got {
  Result<> result;
  FetchHead head;
  std::string body;
};
Got fetch(FakeNetwork& network, const FetchRequest& request) {
  Got got;
  got.result = network.fetch(
      request, {},
      [&](const FetchHead& head) -> Result<> {
        got.head = head;
        return {};
      },
      [&](ByteView bytes) -> Result<> {
        got.body += as_text(bytes);
        return {};
      });
  return got;
}

TEST(FakeNetwork, ServesPagesAndRanges) {
  FakeNetwork network;
  network.set("http://a/x", {.body = "0123456789"});
  EXPECT_EQ(fetch(network, {.url = "http://a/x"}).body, "0123456789");
  const Got rest = fetch(network, {.url = "http://a/x", .headers = {}, .offset = 4});
  EXPECT_EQ(rest.body, "456789");
  EXPECT_EQ(rest.head.status, 206);
  EXPECT_EQ(rest.head.total, 10U);
  EXPECT_EQ(fetch(network, {.url = "http://a/y"}).result.error().kind(), ErrorKind::not_found);
  EXPECT_EQ(network.requests().size(), 3U);
}

TEST(FakeNetwork, BreaksOnce) {
  FakeNetwork network;
  network.set("http://a/x", {.body = "0123456789", .breaks_after = 3});
  const Got broken = fetch(network, {.url = "http://a/x"});
  EXPECT_EQ(broken.body, "012");
  EXPECT_EQ(broken.result.error().kind(), ErrorKind::unavailable);
  EXPECT_TRUE(fetch(network, {.url = "http://a/x"}).result.ok());
}

}  // namespace
}  // namespace quern
