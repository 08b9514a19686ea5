#include "http/stream.hpp"

#include "http/test_support.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>

namespace quern::http {
namespace {

using namespace std::chrono_literals;
using test::eventually;

const Deadline kSoon = Deadline::in(20s);

std::string read_text(Stream& stream, Deadline deadline = Deadline::in(20s),
                      const std::stop_token& stop = {}) {
  std::array<std::byte, 64 * 1024> buffer{};
  const auto got = stream.read(buffer, deadline, stop);
  if (!got.ok()) return "error: " + std::string(to_string(got.error().kind()));
  return std::string(as_text(ByteView(buffer).first(*got)));
}

std::string read_exactly(Stream& stream, std::size_t size) {
  std::string text;
  while (text.size() < size) {
    const std::string more = read_text(stream);
    if (more.empty() || more.starts_with("error: ")) break;
    text += more;
  }
  return text;
}

// Sends back what comes, until the peer ends.
void echo_all(Stream& peer, const std::stop_token& stop) {
  std::array<std::byte, 64 * 1024> buffer{};
  for (;;) {
    const auto got = peer.read(buffer, Deadline::never(), stop);
    if (!got.ok() || *got == 0) return;
    if (!peer.write(ByteView(buffer).first(*got), Deadline::in(20s), stop).ok()) return;
  }
}

std::unique_ptr<StreamServer> serve(StreamServer::Serve how, StreamServerOptions options = {}) {
  auto server = StreamServer::listen(std::move(options), std::move(how));
  EXPECT_TRUE(server.ok()) << server.error().describe();
  return std::move(*server);
}

std::unique_ptr<Stream> connect(std::uint16_t port) {
  auto stream = connect_stream({.host = "127.0.0.1", .port = port}, Deadline::in(20s), {});
  EXPECT_TRUE(stream.ok()) << stream.error().describe();
  return std::move(*stream);
}

TEST(Stream, CarriesBytesBothWays) {
  const auto server = serve(echo_all);
  const auto stream = connect(server->port());
  ASSERT_TRUE(stream->write(as_bytes("hello"), kSoon, {}).ok());
  EXPECT_EQ(read_exactly(*stream, 5), "hello");
  EXPECT_EQ(stream->peer(), "127.0.0.1:" + std::to_string(server->port()));
}

TEST(Stream, CarriesMegabytesThroughTls) {
  const test::TempFolder folder;
  const TlsFiles files = test::make_certificate(folder.path(), "localhost");
  const auto server = serve(echo_all, {.tls = files});
  auto stream = connect_stream(
      {.host = "localhost", .port = server->port(), .tls = true, .ca_file = files.certificate},
      kSoon, {});
  ASSERT_TRUE(stream.ok()) << stream.error().describe();
  std::string text(3'000'000, 'x');
  for (std::size_t i = 0; i < text.size(); i += 7) text[i] = static_cast<char>('a' + i % 26);
  std::jthread writer(
      [&] { EXPECT_TRUE((*stream)->write(as_bytes("head:"), Deadline::in(20s), {}).ok()); });
  writer.join();
  EXPECT_EQ(read_exactly(**stream, 5), "head:");
  // In turns: a stream is of one thread at a time.
  for (std::size_t at = 0; at < text.size(); at += 60'000) {
    const std::string_view piece = std::string_view(text).substr(at, 60'000);
    ASSERT_TRUE((*stream)->write(as_bytes(piece), Deadline::in(20s), {}).ok());
    ASSERT_EQ(read_exactly(**stream, piece.size()), piece);
  }
}

TEST(Stream, BelievesOnlyTheRightCertificate) {
  const test::TempFolder folder;
  const test::TempFolder other;
  const TlsFiles files = test::make_certificate(folder.path(), "localhost");
  const TlsFiles wrong = test::make_certificate(other.path(), "localhost");
  const auto server = serve(echo_all, {.tls = files});
  const StreamTarget target{
      .host = "localhost", .port = server->port(), .tls = true, .ca_file = wrong.certificate};
  const auto stream = connect_stream(target, kSoon, {});
  ASSERT_FALSE(stream.ok());
  EXPECT_EQ(stream.error().kind(), ErrorKind::unavailable);
  EXPECT_NE(stream.error().describe().find("certificate"), std::string::npos);
}

TEST(Stream, APeerThatSpeaksNoTlsHarmsNobody) {
  const test::TempFolder folder;
  const TlsFiles files = test::make_certificate(folder.path(), "localhost");
  std::atomic<int> served{0};
  const auto server = serve([&](Stream&, const std::stop_token&) { ++served; }, {.tls = files});
  test::RawClient client(server->port());
  client.send("this is no handshake\n");
  EXPECT_TRUE(client.closed_within(5s));
  EXPECT_EQ(served, 0);
  EXPECT_EQ(server->tls_failed(), 1U);
}

TEST(Stream, AHandshakeThatNeverEndsIsEndedAndHoldsUpNobody) {
  const test::TempFolder folder;
  const TlsFiles files = test::make_certificate(folder.path(), "localhost");
  const StreamTarget good{.host = "localhost", .tls = true, .ca_file = files.certificate};
  {
    auto server = serve(echo_all, {.tls = files});
    test::RawClient silent(server->port());
    test::RawClient half(server->port());
    half.send("\x16\x03\x01");
    StreamTarget target = good;
    target.port = server->port();
    auto stream = connect_stream(target, kSoon, {});
    ASSERT_TRUE(stream.ok()) << stream.error().describe();
    ASSERT_TRUE((*stream)->write(as_bytes("hello"), kSoon, {}).ok());
    EXPECT_EQ(read_exactly(**stream, 5), "hello");
    server.reset();  // and its end does not wait for them
  }
  const auto server = serve(echo_all, {.tls = files, .tls_timeout = 20ms});
  test::RawClient silent(server->port());
  EXPECT_TRUE(silent.closed_within(5s));
  EXPECT_EQ(server->tls_failed(), 1U);
}

TEST(Stream, SilenceEndsAtTheDeadline) {
  const auto server = serve([](Stream& peer, const std::stop_token& stop) {
    // It says nothing, and goes; the server's end may be seen before.
    const std::string seen = read_text(peer, Deadline::never(), stop);
    EXPECT_TRUE(seen.empty() || seen == "error: cancelled") << seen;
  });
  const auto stream = connect(server->port());
  EXPECT_EQ(read_text(*stream, Deadline::in(20ms)), "error: deadline_exceeded");
}

TEST(Stream, APeerThatDoesNotReadEndsAtTheDeadline) {
  std::promise<void> done;
  const auto server = serve([&](Stream&, const std::stop_token&) { done.get_future().wait(); });
  const auto stream = connect(server->port());
  const std::string much(32'000'000, 'x');
  const auto sent = stream->write(as_bytes(much), Deadline::in(50ms), {});
  ASSERT_FALSE(sent.ok());
  EXPECT_EQ(sent.error().kind(), ErrorKind::deadline_exceeded);
  done.set_value();
}

TEST(Stream, AStopWakesWhoWaits) {
  const auto server = serve(echo_all);
  const auto stream = connect(server->port());
  std::stop_source source;
  std::jthread stopper([&] { source.request_stop(); });
  EXPECT_EQ(read_text(*stream, Deadline::never(), source.get_token()), "error: cancelled");
  // The stop of one call is not that of the next.
  EXPECT_EQ(read_text(*stream, Deadline::in(10ms)), "error: deadline_exceeded");
}

TEST(Stream, TellsAnEndFromABreak) {
  const auto ends = serve([](Stream&, const std::stop_token&) {});
  EXPECT_EQ(read_text(*connect(ends->port())), "");
  std::promise<std::string> got;
  const auto server =
      serve([&](Stream& peer, const std::stop_token&) { got.set_value(read_text(peer)); });
  test::RawClient(server->port()).reset();
  EXPECT_EQ(got.get_future().get(), "error: unavailable");
}

TEST(Stream, NobodyThereIsUnavailable) {
  std::uint16_t port = 0;
  {
    port = serve(echo_all)->port();
  }
  const auto stream = connect_stream({.host = "127.0.0.1", .port = port}, kSoon, {});
  ASSERT_FALSE(stream.ok());
  EXPECT_EQ(stream.error().kind(), ErrorKind::unavailable);
}

TEST(StreamServer, ConnectionsAreBounded) {
  const auto server = serve(echo_all, {.max_connections = 2});
  const auto one = connect(server->port());
  auto two = connect(server->port());
  for (Stream* stream : {one.get(), two.get()}) {
    ASSERT_TRUE(stream->write(as_bytes("x"), kSoon, {}).ok());
    ASSERT_EQ(read_exactly(*stream, 1), "x");
  }
  const auto third = connect(server->port());
  EXPECT_NE(read_text(*third), "x");  // an end or a break
  EXPECT_TRUE(eventually([&] { return server->refused() == 1; }));
  two.reset();
  EXPECT_TRUE(eventually([&] {
    const auto again = connect(server->port());
    return again->write(as_bytes("y"), kSoon, {}).ok() && read_text(*again) == "y";
  }));
}

TEST(StreamServer, ItsEndWaitsForAllThatServe) {
  std::atomic<int> running{0};
  auto server = serve([&](Stream& peer, const std::stop_token& stop) {
    ++running;
    EXPECT_EQ(read_text(peer, Deadline::never(), stop), "error: cancelled");
    --running;
  });
  const auto one = connect(server->port());
  const auto two = connect(server->port());
  ASSERT_TRUE(eventually([&] { return running == 2; }));
  server.reset();
  EXPECT_EQ(running, 0);
}

TEST(StreamServer, SaysWhyItCannotListen) {
  const auto server = serve(echo_all);
  const auto again = StreamServer::listen({.port = server->port()}, echo_all);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().kind(), ErrorKind::already_exists);
  const auto nowhere = StreamServer::listen({.host = "203.0.113.7"}, echo_all);
  ASSERT_FALSE(nowhere.ok());
  EXPECT_EQ(nowhere.error().kind(), ErrorKind::invalid_argument);
  const auto no_key = StreamServer::listen(
      {.tls = TlsFiles{.certificate = "/nowhere/cert.pem", .key = "/nowhere/key.pem"}}, echo_all);
  ASSERT_FALSE(no_key.ok());
  EXPECT_EQ(no_key.error().kind(), ErrorKind::not_found);
}

// Sends datagrams to a port of this machine.
class DatagramClient {
 public:
  explicit DatagramClient(std::uint16_t port)
      : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    ::inet_pton(AF_INET, "127.0.0.1", &where.sin_addr);
    ::connect(socket_.get(), reinterpret_cast<sockaddr*>(&where), sizeof where);
  }
  void send(std::string_view text) { ::send(socket_.get(), text.data(), text.size(), 0); }
  std::string receive() {
    std::array<char, 100> room{};
    const ssize_t got = ::recv(socket_.get(), room.data(), room.size(), 0);
    return {room.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
  }

 private:
  UniqueFd socket_;
};

TEST(DatagramServer, ReceivesWhole) {
  const auto server = DatagramServer::listen("127.0.0.1", 0);
  ASSERT_TRUE(server.ok()) << server.error().describe();
  DatagramClient client((*server)->port());
  for (const std::string& text : {std::string("one"), std::string(), std::string(60'000, 'x')}) {
    client.send(text);
    const auto got = (*server)->receive(Deadline::in(20s), {});
    ASSERT_TRUE(got.ok()) << got.error().describe();
    EXPECT_EQ(as_text(got->bytes), text);
    EXPECT_TRUE(got->peer.starts_with("127.0.0.1:"));
  }
  const auto none = (*server)->receive(Deadline::in(10ms), {});
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().kind(), ErrorKind::deadline_exceeded);
}

TEST(DatagramServer, AnswersWhoAsked) {
  const auto server = *DatagramServer::listen("127.0.0.1", 0);
  DatagramClient one(server->port());
  DatagramClient other(server->port());
  one.send("1");
  other.send("2");
  for (int i = 0; i < 2; ++i) server->answer(server->receive(Deadline::in(20s), {})->bytes);
  EXPECT_EQ(one.receive(), "1");
  EXPECT_EQ(other.receive(), "2");
}

TEST(DatagramServer, CountsWhatTheSystemThrewAway) {
  const auto server = *DatagramServer::listen("127.0.0.1", 0, 8_KiB);
  EXPECT_EQ(server->dropped(), 0U);
  DatagramClient client(server->port());
  constexpr std::uint64_t kSent = 500;
  for (std::uint64_t i = 0; i < kSent; ++i) client.send(std::string(1000, 'x'));
  EXPECT_GT(server->dropped(), kSent / 2);
  std::uint64_t got = 0;
  while (server->receive(Deadline::in(0ms), {}).ok()) ++got;
  EXPECT_GT(got, 0U);
  EXPECT_EQ(got + server->dropped(), kSent);
}

TEST(DatagramServer, ALargerBufferKeepsMore) {
  const auto small = *DatagramServer::listen("127.0.0.1", 0, 8_KiB);
  const auto large = *DatagramServer::listen("127.0.0.1", 0, 128_KiB);
  EXPECT_GE(large->receive_buffer(), 128_KiB);
  for (DatagramServer* server : {small.get(), large.get()}) {
    DatagramClient client(server->port());
    for (int i = 0; i < 30; ++i) client.send(std::string(1000, 'x'));
  }
  EXPECT_GT(small->dropped(), 0U);
  EXPECT_EQ(large->dropped(), 0U);
}

}  // namespace
}  // namespace quern::http
