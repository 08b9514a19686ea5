#include "inputs/heartbeats.hpp"

#include "base/fakes.hpp"

#include "inputs/test_support.hpp"
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace quern::inputs {
namespace {

// What arrives was written down before; then it is stopped.
class ScriptedDatagrams final : public http::DatagramServer {
 public:
  std::uint16_t port() const override { return 24224; }
  Result<http::Datagram> receive(Deadline /*deadline*/, const std::stop_token& /*stop*/) override {
    if (arrives.empty()) return fail(ErrorKind::cancelled, "cancelled");
    Result<http::Datagram> next = std::move(arrives.front());
    arrives.pop_front();
    if (next.ok()) last_ = next->peer;
    return next;
  }
  void answer(ByteView /*bytes*/) override { answered.push_back(last_); }
  std::uint64_t dropped() const override { return 0; }
  Bytes receive_buffer() const override { return {}; }

  void beat(std::string peer) {
    arrives.emplace_back(http::Datagram{.bytes = {std::byte{0}}, .peer = std::move(peer)});
  }

  std::deque<Result<http::Datagram>> arrives;
  std::vector<std::string> answered;

 private:
  std::string last_;
};

class Heartbeats : public ::testing::Test {
 protected:
  void run() { answer_heartbeats(server_, clock_, notice_, count_, {}); }

  ScriptedDatagrams server_;
  ManualClock clock_;
  Notice notice_{"test"};
  std::atomic<std::uint64_t> count_{0};
};

TEST_F(Heartbeats, NobodyIsAnsweredAtOurOwnPort) {
  server_.beat("10.0.0.1:24224");
  server_.beat("[::1]:24224");
  server_.beat("10.0.0.1:4224");
  run();
  EXPECT_EQ(server_.answered, std::vector<std::string>{"10.0.0.1:4224"});
  EXPECT_EQ(count_, 1U);
}

TEST_F(Heartbeats, WhatRunsInACircleEnds) {
  for (std::uint32_t i = 0; i < kMostBeats + 100; ++i) server_.beat("10.0.0.1:24225");
  run();
  EXPECT_EQ(server_.answered.size(), kMostBeats);
  clock_.advance(std::chrono::seconds(1));
  server_.beat("10.0.0.1:24226");
  run();
  EXPECT_EQ(server_.answered.back(), "10.0.0.1:24226") << "and the next second is another";
}

TEST_F(Heartbeats, AnErrorOfTheSocketDoesNotEndThem) {
  server_.arrives.emplace_back(fail(ErrorKind::unavailable, "the network is down"));
  server_.beat("10.0.0.1:4224");
  const std::jthread time([this] {
    EXPECT_TRUE(test::eventually([&] { return clock_.sleepers() == 1; }));
    clock_.advance(std::chrono::seconds(1));
  });
  run();
  EXPECT_EQ(count_, 1U);
}

}  // namespace
}  // namespace quern::inputs
