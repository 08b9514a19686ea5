#include "base/unique_fd.hpp"
#include "http/stream.hpp"

#include "inputs/syslog_frames.hpp"
#include "inputs/test_input.hpp"
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

namespace quern::inputs {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

Texts frames(std::string_view text, std::size_t piece, std::size_t longest = 100) {
  SyslogFrames all(Bytes{longest});
  Texts found;
  const auto take = [&] {
    while (const auto message = all.next()) found.emplace_back(*message);
  };
  for (std::size_t at = 0; at < text.size(); at += piece) {
    const std::string_view part = text.substr(at, piece);
    std::copy(part.begin(), part.end(), reinterpret_cast<char*>(all.room().data()));
    all.filled(part.size());
    take();
  }
  (void)all.room();
  all.end();
  take();
  return found;
}

TEST(SyslogFrames, BothFormsInPiecesOfAnySize) {
  const std::string text("5 <1>ab<2>line\n<3>zero\0009 <4>a\nb\nc\n6 <5>xyz<6>last", 50);
  const std::string_view whole(text.data(), text.find("last") + 4);
  const Texts wanted{"<1>ab", "<2>line", "<3>zero", "<4>a\nb\nc\n", "<5>xyz", "<6>last"};
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 100U}) EXPECT_EQ(frames(whole, piece), wanted);
}

TEST(SyslogFrames, LongOnesAreCut) {
  const std::string x(500, 'x');
  for (const std::size_t piece : {1U, 50U, 1000U}) {
    const Texts counted = frames("503 <1>" + x + "7 <2>next", piece);
    ASSERT_EQ(counted.size(), 2U);
    EXPECT_EQ(counted[0].size(), 100U);
    EXPECT_EQ(counted[1], "<2>next");
    const Texts lines = frames("<1>" + x + "\n<2>next\n", piece);
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_EQ(lines[0].size(), 100U);
    EXPECT_EQ(lines[1], "<2>next");
  }
}

TEST(SyslogFrames, DigitsAreNoSizeByThemselves) {
  for (const std::size_t piece : {1U, 100U}) {
    EXPECT_EQ(frames("2026-11-23 a line\n12 monkeys\n99999999999 <1>x\n7", piece),
              (Texts{"2026-11-23 a line", "12 monkeys", "99999999999 <1>x", "7"}));
  }
}

constexpr std::string_view kServer = "type = \"syslog\"\nlisten = \"127.0.0.1:0\"\n";

void send_datagram(std::uint16_t port, std::string_view text) {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  ::inet_pton(AF_INET, "127.0.0.1", &where.sin_addr);
  ::sendto(socket.get(), text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&where),
           sizeof where);
}

void send_stream(std::uint16_t port, std::string_view text) {
  auto stream = http::connect_stream({.host = "127.0.0.1", .port = port}, Deadline::in(20s), {});
  ASSERT_TRUE(stream.ok());
  ASSERT_TRUE((*stream)->write(as_bytes(text), Deadline::in(20s), {}).ok());
}

TEST(Syslog, TakesBothFormsByBothRoads) {
  test::MadeInput in(std::string(kServer) + "source_key = \"from\"\n");
  ASSERT_EQ(in.error, "");
  const std::uint16_t port = in.port("syslog_port");
  send_datagram(port, "<34>1 2026-11-23T01:02:03.5Z host app 77 ID1 - it happened\n");
  ASSERT_TRUE(test::eventually([&] { return in.sink.size() == 1; }));
  send_stream(port, "<13>Nov 23 01:02:03 host cron[5]: old form\nnot syslog at all\n");
  ASSERT_TRUE(test::eventually([&] { return in.sink.size() == 3; }));
  const auto given = in.sink.given();
  EXPECT_EQ(given[0].time.nanoseconds, 500'000'000U);
  EXPECT_NE(given[0].record.find(R"("message":"it happened")"), std::string::npos);
  EXPECT_NE(given[0].record.find(R"("from":"127.0.0.1")"), std::string::npos);
  EXPECT_NE(given[1].record.find(R"("message":"old form")"), std::string::npos);
  EXPECT_EQ(given[2].record, R"({"message":"not syslog at all","from":"127.0.0.1"})");
  EXPECT_EQ(in.figure("syslog_messages_unparsed_total"), 1);
}

TEST(Syslog, WhatTheSystemDropsIsCounted) {
  test::MadeInput in(std::string(kServer) + "mode = \"udp\"\nreceive_buffer = \"8 KiB\"\n");
  std::atomic<bool> go{false};
  in.sink.on_accept = [&]() -> Result<> {
    EXPECT_TRUE(test::eventually([&] { return go.load(); }));
    return {};
  };
  const std::uint16_t port = in.port("syslog_port");
  constexpr int kSent = 300;
  for (int i = 0; i < kSent; ++i) send_datagram(port, "<34>" + std::string(1000, 'x'));
  EXPECT_GT(in.figure("syslog_datagrams_dropped_total"), 0);
  EXPECT_GE(in.figure("syslog_receive_buffer_bytes"), 8 * 1024);
  go = true;
  const auto all = [&] {
    return static_cast<double>(in.sink.size()) + in.figure("syslog_datagrams_dropped_total");
  };
  EXPECT_TRUE(test::eventually([&] { return all() == kSent; })) << all();
  const double dropped = in.figure("syslog_datagrams_dropped_total");
  in.stop();
  EXPECT_EQ(in.figure("syslog_datagrams_dropped_total"), dropped) << "also once it is over";
}

TEST(Syslog, WhatTheSinkRefusesIsCounted) {
  test::MadeInput in(std::string(kServer) + "mode = \"tcp\"\n");
  in.sink.on_accept = []() -> Result<> { return fail(ErrorKind::resource_exhausted, "full"); };
  send_stream(in.port("syslog_port"), "<1>a\n<1>b\n");
  EXPECT_TRUE(test::eventually([&] { return in.figure("syslog_messages_lost_total") == 2; }));
}

TEST(Syslog, ANeverEndingMessageIsCut) {
  test::MadeInput in(std::string(kServer) + "max_message = \"1 KiB\"\n");
  send_stream(in.port("syslog_port"), "<1>" + std::string(5'000'000, 'x') + "\n<1>next\n");
  ASSERT_TRUE(test::eventually([&] { return in.sink.size() == 2; }));
  EXPECT_EQ(in.figure("syslog_messages_cut_total"), 1);
}

TEST(Syslog, TlsIsForStreams) {
  const std::string tls = "tls_certificate = \"c\"\ntls_key = \"k\"\n";
  EXPECT_NE(test::MadeInput(std::string(kServer) + tls + "mode = \"udp\"\n").error.find("mode"),
            std::string::npos);
  EXPECT_EQ(test::MadeInput(std::string(kServer) + tls + "mode = \"tcp\"\n").error, "");
}

}  // namespace
}  // namespace quern::inputs
