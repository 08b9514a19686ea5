// Real connections to peers that misbehave: slow, half an answer, wrong, gone.
#include "base/clock.hpp"
#include "base/files.hpp"
#include "base/guarded.hpp"
#include "base/sha512.hpp"
#include "base/unpack.hpp"
#include "http/http.hpp"
#include "http/stream.hpp"
#include "http/test_support.hpp"

#include "logs/record.hpp"
#include "outputs/test_support.hpp"

#include <array>
#include <atomic>
#include <thread>

namespace quern::outputs {
namespace {

using namespace std::chrono_literals;
using http::Stream;
using http::StreamServer;
using logs::Batch;
using logs::msgpack::Reader;
using logs::msgpack::Writer;
using test::add;
using test::must_make;

constexpr auto kLong = 10s;

// A peer from a script: each connection is served by `serve`, its number from 0.
class Peer {
 public:
  using Serve = std::function<void(Stream&, int connection, const std::stop_token&)>;
  explicit Peer(Serve serve, http::StreamServerOptions options = {})
      : server_(*StreamServer::listen(std::move(options),
                                      [this, serve](Stream& stream, const std::stop_token& stop) {
                                        serve(stream, connections_++, stop);
                                      })) {}
  std::uint16_t port() const { return server_->port(); }
  int connections() const { return connections_; }

 private:
  std::atomic<int> connections_{0};
  std::unique_ptr<StreamServer> server_;
};

std::string read_some(Stream& stream, const std::stop_token& stop) {
  std::array<std::byte, 65536> bytes{};
  const auto got = stream.read(bytes, Deadline::in(kLong), stop);
  return got.ok() ? std::string(as_text(ByteView(bytes).first(*got))) : "";
}

void write(Stream& stream, std::string_view text, const std::stop_token& stop) {
  (void)stream.write(as_bytes(text), Deadline::in(kLong), stop);
}

// The next whole msgpack object; empty at the end.
Buffer read_object(Stream& stream, Buffer& held, const std::stop_token& stop) {
  while (true) {
    Reader reader(held);
    if (const auto whole = reader.skip(); whole.ok()) {
      Buffer object(whole->begin(), whole->end());
      held.erase(held.begin(), held.begin() + static_cast<std::ptrdiff_t>(object.size()));
      return object;
    }
    const std::string more = read_some(stream, stop);
    if (more.empty()) return {};
    const ByteView bytes = as_bytes(more);
    held.insert(held.end(), bytes.begin(), bytes.end());
  }
}

struct RealWorld {
  RealFiles files;
  SystemClock clock;
  RealProcess process;
  std::unique_ptr<Network> network =
      http::make_client({.connect_timeout = 2s, .read_timeout = 500ms});
  logs::StageWorld world{files, clock, *network, process, "state", ".", "out"};
};

Batch two() {
  Batch batch;
  add(batch, "a", R"({"log":"one"})");
  add(batch, "b", R"({"log":"two"})");
  add(batch, "a", R"({"log":"three"})");
  return batch;
}

TEST(HttpPeers, EachWayToFailComesAgain) {
  RealWorld w;
  const std::vector<std::string> answers{
      "",                                                                   // hangs up
      "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",                 // half
      "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",                     // broken
      "220 mail.example ESMTP\r\n",                                         // no HTTP
      "HTTP/1.1 429 Slow\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"};  // too fast
  Peer peer([&](Stream& stream, int connection, const std::stop_token& stop) {
    read_some(stream, stop);
    const auto at = static_cast<std::size_t>(connection);
    write(stream, at < answers.size() ? answers[at] : "HTTP/1.1 204 No\r\n\r\n", stop);
  });
  const auto out = must_make(
      "http", "url = \"http://127.0.0.1:" + std::to_string(peer.port()) + "/in\"", w.world);
  for (const std::string& answer : answers) {
    const Result<Batch> got = out->deliver(two(), {});
    ASSERT_FALSE(got.ok()) << answer;
    EXPECT_EQ(got.error().kind(), ErrorKind::unavailable) << got.error().describe();
  }
  EXPECT_TRUE(out->deliver(two(), {}).ok());
}

TEST(HttpPeers, OneThatSleepsKeepsNobody) {
  RealWorld w;
  Peer peer([&](Stream& stream, int, const std::stop_token& stop) {
    while (!read_some(stream, stop).empty()) {
    }
  });
  const auto out = must_make(
      "http", "url = \"http://127.0.0.1:" + std::to_string(peer.port()) + "/in\"", w.world);
  EXPECT_EQ(out->deliver(two(), {}).error().kind(), ErrorKind::unavailable);
}

// What a Forward server is sent, and acknowledgements for it.
struct ForwardPeer {
  Guarded<std::vector<std::string>> got;  // "tag line"
  std::atomic<int> acks_left{1000};
  std::string key;
  bool lies = false;  // about the key

  bool greet(Stream& stream, Buffer& held, const std::stop_token& stop) const {
    if (key.empty()) return true;
    Buffer helo;
    Writer writer(helo);
    writer.array(2);
    writer.string("HELO");
    writer.map(3);
    writer.string("nonce");
    writer.string("n0nce");
    writer.string("auth");
    writer.string("");
    writer.string("keepalive");
    writer.boolean(true);
    (void)stream.write(helo, Deadline::in(kLong), stop);
    const Buffer ping = read_object(stream, held, stop);
    Reader reader(ping);
    (void)reader.next();
    std::vector<std::string> words;
    while (!reader.done()) words.emplace_back(as_text(reader.next()->bytes));
    if (words.size() != 6) return false;
    const bool right = words[3] == sha512_hex(as_bytes(words[2] + words[1] + "n0nce" + key));
    Buffer pong;
    Writer answer(pong);
    answer.array(5);
    answer.string("PONG");
    answer.boolean(right || lies);
    answer.string(right ? "" : "shared_key mismatch");
    answer.string("server");
    answer.string(sha512_hex(as_bytes(words[2] + "server" + "n0nce" + (lies ? "?" : key))));
    (void)stream.write(pong, Deadline::in(kLong), stop);
    return right;
  }

  void serve(Stream& stream, int, const std::stop_token& stop) {
    Buffer held;
    if (!greet(stream, held, stop)) return;
    while (true) {
      const Buffer message = read_object(stream, held, stop);
      if (message.empty()) return;
      take(message);
      const std::string chunk = chunk_of(message);
      if (chunk.empty()) continue;
      if (acks_left-- <= 0) return;
      Buffer ack;
      Writer writer(ack);
      writer.map(1);
      writer.string("ack");
      writer.string(chunk);
      (void)stream.write(ack, Deadline::in(kLong), stop);
    }
  }

  static std::string chunk_of(ByteView message) {
    Reader reader(message);
    (void)reader.next();
    (void)reader.skip();
    (void)reader.skip();
    return std::string(logs::text_field(*reader.skip(), "chunk").value_or(""));
  }

  void take(ByteView message) {
    Reader reader(message);
    (void)reader.next();
    const std::string tag(as_text(reader.next()->bytes));
    ByteView entries = reader.next()->bytes;
    const ByteView options = *reader.skip();
    Buffer plain;
    if (logs::text_field(options, "compressed") == "gzip") {
      plain = *unpack(entries, 10_MiB);
      entries = plain;
    }
    Batch batch;
    EXPECT_TRUE(batch.add_all_packed(tag, entries).ok());
    for (const logs::Entry& entry : batch)
      got.lock()->push_back(tag + " " + std::string(logs::line_of(entry.record).value_or("")));
  }
};

std::unique_ptr<logs::Output> forward_to(const Peer& peer, const std::string& more,
                                         const logs::StageWorld& world) {
  return must_make(
      "forward",
      "host = \"127.0.0.1\"\ntimeout = \"3s\"\nport = " + std::to_string(peer.port()) + "\n" + more,
      world);
}

TEST(ForwardPeers, RecordsByTagOnOneConnection) {
  RealWorld w;
  ForwardPeer forward;
  Peer peer([&](Stream& s, int n, const std::stop_token& stop) { forward.serve(s, n, stop); });
  for (const std::string more : {"", "compress = \"gzip\"\nmetadata = true"}) {
    const int before = peer.connections();
    forward.got.lock()->clear();
    const auto out = forward_to(peer, more, w.world);
    ASSERT_TRUE(out->deliver(two(), {}).ok());
    ASSERT_TRUE(out->deliver(two(), {}).ok());
    EXPECT_EQ(*forward.got.lock(),
              (std::vector<std::string>{"a one", "a three", "b two", "a one", "a three", "b two"}));
    EXPECT_EQ(peer.connections(), before + 1);
  }
}

TEST(ForwardPeers, ASharedKeyOpensAndAWrongOneDoesNot) {
  RealWorld w;
  ForwardPeer forward;
  forward.key = "s3cret";
  Peer peer([&](Stream& s, int n, const std::stop_token& stop) { forward.serve(s, n, stop); });
  const auto right = forward_to(peer, "shared_key = \"s3cret\"", w.world);
  EXPECT_TRUE(right->deliver(two(), {}).ok());
  const auto wrong = forward_to(peer, "shared_key = \"other\"", w.world);
  const Result<Batch> got = wrong->deliver(two(), {});
  ASSERT_FALSE(got.ok());
  EXPECT_THAT(got.error().describe(), testing::HasSubstr("shared_key mismatch"));
  EXPECT_THAT(got.error().describe(), testing::Not(testing::HasSubstr("other")));
  const auto none = forward_to(peer, "", w.world);
  EXPECT_THAT(none->deliver(two(), {}).error().describe(),
              testing::HasSubstr("wants a shared key"));
  ForwardPeer liar;
  liar.key = "s3cret";
  liar.lies = true;
  Peer other([&](Stream& s, int n, const std::stop_token& stop) { liar.serve(s, n, stop); });
  EXPECT_THAT(
      forward_to(other, "shared_key = \"s3cret\"", w.world)->deliver(two(), {}).error().describe(),
      testing::HasSubstr("does not know the shared key"));
}

TEST(ForwardPeers, WhatIsNotAcknowledgedComesAgain) {
  RealWorld w;
  ForwardPeer forward;
  forward.acks_left = 1;  // of two messages; then it hangs up
  Peer peer([&](Stream& s, int n, const std::stop_token& stop) { forward.serve(s, n, stop); });
  const auto out = forward_to(peer, "", w.world);
  const Result<Batch> got = out->deliver(two(), {});
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().kind(), ErrorKind::unavailable);
  EXPECT_THAT(got.error().describe(), testing::HasSubstr("not acknowledged"));
  forward.acks_left = 1000;
  EXPECT_TRUE(out->deliver(two(), {}).ok());
}

TEST(ForwardPeers, AConnectionThatEndedIsMadeAgain) {
  RealWorld w;
  ForwardPeer forward;
  Peer peer([&](Stream& stream, int connection, const std::stop_token& stop) {
    if (connection > 0) return forward.serve(stream, connection, stop);
    forward.acks_left = 2;
    forward.serve(stream, connection, stop);
    forward.acks_left = 1000;
  });
  const auto out = forward_to(peer, "", w.world);
  ASSERT_TRUE(out->deliver(two(), {}).ok());
  // The peer hangs up at its third acknowledgement.
  EXPECT_TRUE(out->deliver(two(), {}).ok());
  EXPECT_EQ(out->figures().front().value, 1);
  EXPECT_EQ(peer.connections(), 2);
}

TEST(ForwardPeers, TlsKnowsWhoThePeerIs) {
  RealWorld w;
  const http::test::TempFolder folder;
  const http::TlsFiles files = http::test::make_certificate(folder.path(), "localhost");
  ForwardPeer forward;
  Peer peer([&](Stream& s, int n, const std::stop_token& stop) { forward.serve(s, n, stop); },
            {.tls = files});
  const std::string common = "timeout = \"3s\"\ntls = true\nport = " + std::to_string(peer.port());
  const std::string trusted = common + "\nca_file = \"" + files.certificate.string() + "\"";
  const auto out = must_make("forward", "host = \"localhost\"\n" + trusted, w.world);
  const Result<Batch> delivered = out->deliver(two(), {});
  EXPECT_TRUE(delivered.ok()) << delivered.error().describe();
  EXPECT_EQ(forward.got.lock()->size(), 3U);
  // Another name, a certificate that nobody vouches for, and one of another authority.
  const auto refused = [&](const std::string& host, const std::string& more) {
    const auto to = must_make("forward", "host = \"" + host + "\"\n" + more, w.world);
    const Result<Batch> got = to->deliver(two(), {});
    EXPECT_FALSE(got.ok());
    EXPECT_EQ(got.error().kind(), ErrorKind::unavailable);
    EXPECT_THAT(got.error().describe(), testing::HasSubstr("certificate is not trusted"));
    EXPECT_THAT(got.error().describe(), testing::HasSubstr(host + ":"));
  };
  refused("127.0.0.1", trusted);
  refused("localhost", common);
  const http::test::TempFolder elsewhere;
  const http::TlsFiles wrong = http::test::make_certificate(elsewhere.path(), "localhost");
  refused("localhost", common + "\nca_file = \"" + wrong.certificate.string() + "\"");
  EXPECT_EQ(forward.got.lock()->size(), 3U);
  // One that speaks no TLS is told apart from one that is not trusted.
  Peer plain([&](Stream& stream, int, const std::stop_token& stop) {
    read_some(stream, stop);
    write(stream, "I speak plainly\n", stop);
  });
  const auto to_plain = must_make(
      "forward",
      "host = \"localhost\"\ntls = true\ntimeout = \"3s\"\nport = " + std::to_string(plain.port()),
      w.world);
  EXPECT_THAT(to_plain->deliver(two(), {}).error().describe(), testing::HasSubstr("TLS"));
}

TEST(HttpPeers, TlsKnowsWhoThePeerIs) {
  const http::test::TempFolder folder;
  const http::TlsFiles files = http::test::make_certificate(folder.path(), "localhost");
  const http::TlsFiles wrong = http::test::make_certificate(folder.path(), "other");
  std::atomic<int> taken{0};
  const http::test::TestServer server(
      [&](const std::shared_ptr<http::Exchange>& exchange) {
        http::test::read_all(exchange, [&, exchange](const Result<std::string>&) {
          ++taken;
          exchange->respond(204, "", "");
        });
      },
      {.tls = files});
  const std::string toml = "url = \"" + server.url("/in", true) + "?token=s3cret\"";
  RealWorld trusting;
  trusting.network = http::make_client({.ca_file = files.certificate});
  const logs::StageWorld world{
      trusting.files, trusting.clock, *trusting.network, trusting.process, "state", ".", "out"};
  EXPECT_TRUE(must_make("http", toml, world)->deliver(two(), {}).ok());
  EXPECT_EQ(taken, 1);
  RealWorld other;
  const auto network = http::make_client({.ca_file = wrong.certificate});
  const logs::StageWorld doubting{other.files, other.clock, *network, other.process,
                                  "state",     ".",         "out"};
  const Result<Batch> got = must_make("http", toml, doubting)->deliver(two(), {});
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().kind(), ErrorKind::unavailable);
  EXPECT_THAT(got.error().describe(), testing::HasSubstr("certificate is not trusted"));
  EXPECT_THAT(got.error().describe(), testing::HasSubstr("localhost"));
  EXPECT_THAT(got.error().describe(), testing::Not(testing::HasSubstr("s3cret")));
  EXPECT_EQ(taken, 1);
}

TEST(ForwardPeers, OneThatTalksNonsenseOrNotAtAllKeepsNobody) {
  RealWorld w;
  Peer nonsense([&](Stream& stream, int, const std::stop_token& stop) {
    read_some(stream, stop);
    write(stream, "HTTP/1.1 400 Bad Request\r\n\r\n", stop);
  });
  const Result<Batch> got = forward_to(nonsense, "", w.world)->deliver(two(), {});
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().kind(), ErrorKind::unavailable);
  Peer silent([&](Stream& stream, int, const std::stop_token& stop) {
    while (!read_some(stream, stop).empty()) {
    }
  });
  const auto out = forward_to(silent, "", w.world);
  std::stop_source stop;
  std::jthread stops([&] { stop.request_stop(); });
  EXPECT_EQ(out->deliver(two(), stop.get_token()).error().kind(), ErrorKind::cancelled);
  Peer endless([&](Stream& stream, int, const std::stop_token& token) {
    // An array that never ends.
    std::string bytes("\xdd\xff\xff\xff\xff", 5);
    while (stream.write(as_bytes(bytes), Deadline::in(kLong), token).ok())
      bytes = std::string(4096, '\x90');
  });
  EXPECT_EQ(forward_to(endless, "", w.world)->deliver(two(), {}).error().kind(),
            ErrorKind::unavailable);
}

}  // namespace
}  // namespace quern::outputs
