// A server of Forward and its peers: well-behaved, half, slow, hostile.
#include "base/sha512.hpp"
#include "base/unique_fd.hpp"
#include "http/stream.hpp"

#include "inputs/test_input.hpp"
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>

namespace quern::inputs {
namespace {

using namespace std::chrono_literals;
using logs::msgpack::Reader;
using logs::msgpack::Token;
using logs::msgpack::Type;
using logs::msgpack::Writer;
using test::eventually;

constexpr std::string_view kServer = "type = \"forward\"\nlisten = \"127.0.0.1:0\"\n";

Buffer object(std::string_view json) {
  Buffer out;
  EXPECT_TRUE(logs::from_json(json, out).ok()) << json;
  return out;
}

Buffer joined(std::initializer_list<Buffer> parts) {
  Buffer all;
  for (const Buffer& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

// [tag, entries as binary, options]
Buffer packed_forward(const Buffer& entries, std::string_view options) {
  Buffer out;
  Writer writer(out);
  writer.array(3);
  writer.string("t");
  writer.binary(entries);
  writer.raw(object(options));
  return out;
}

class Peer {
 public:
  explicit Peer(std::uint16_t port, http::StreamTarget target = {}) {
    if (target.host.empty()) target.host = "127.0.0.1";
    target.port = port;
    auto connected = http::connect_stream(target, Deadline::in(20s), {});
    EXPECT_TRUE(connected.ok()) << connected.error().describe();
    stream_ = std::move(*connected);
  }
  bool send(const Buffer& bytes) { return stream_->write(bytes, Deadline::in(20s), {}).ok(); }
  // As JSON; "the end" where the server ended.
  std::string receive() {
    std::array<std::byte, 4096> room{};
    for (;;) {
      Reader reader(held_);
      if (const auto whole = reader.skip(); whole.ok()) {
        last_ = Buffer(whole->begin(), whole->end());
        std::string json;
        (void)logs::msgpack::to_json(last_, json);
        held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(last_.size()));
        return json;
      }
      const auto got = stream_->read(room, Deadline::in(20s), {});
      if (!got.ok() || *got == 0) return "the end";
      held_.insert(held_.end(), room.begin(), room.begin() + static_cast<std::ptrdiff_t>(*got));
    }
  }
  const Buffer& last() const { return last_; }
  void close() { stream_.reset(); }

 private:
  std::unique_ptr<http::Stream> stream_;
  Buffer held_;
  Buffer last_;
};

TEST(Forward, TakesAllModes) {
  test::MadeInput in{std::string(kServer)};
  ASSERT_EQ(in.error, "");
  Peer peer(in.port("forward_port"));
  const Buffer entries = joined({object(R"([1700000003,{"log":"packed 1"}])"),
                                 object(R"([[1700000004,{"m":1}],{"log":"packed 2"}])")});
  EXPECT_TRUE(peer.send(joined({
      object(R"(["t",1700000000,{"log":"message"}])"),
      object(R"(["t",1700000000,{"log":"message with metadata"},{"metadata":{"k":"v"}}])"),
      Buffer{std::byte{0xc0}},
      object(
          R"(["t",[[1700000001,{"log":"forward 1"}],[[1700000002,{}],{"log":"forward 2"}]],{}])"),
      packed_forward(entries, R"({"size":2})"),
      packed_forward(test::gzip(entries), R"({"compressed":"gzip","chunk":"abc"})"),
  })));
  EXPECT_EQ(peer.receive(), R"({"ack":"abc"})");
  const std::vector<std::string> lines{"message",   "message with metadata",
                                       "forward 1", "forward 2",
                                       "packed 1",  "packed 2",
                                       "packed 1",  "packed 2"};
  EXPECT_EQ(in.sink.lines(), lines);
  EXPECT_EQ(in.sink.kept(), 8U);
  const auto given = in.sink.given();
  EXPECT_EQ(given[1].metadata, R"({"k":"v"})");
  EXPECT_EQ(given[3].time.seconds, 1'700'000'002U);
  EXPECT_EQ(given[5].metadata, R"({"m":1})");
  EXPECT_EQ(in.figure("forward_messages_total"), 6);
}

TEST(Forward, AnswersHeartbeatsByUdp) {
  test::MadeInput in{std::string(kServer)};
  const std::uint16_t port = in.port("forward_port");
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&where), sizeof where), 0);
  std::array<char, 16> room{};
  const auto beat = [&](std::string_view text) {
    ::send(socket.get(), text.data(), text.size(), 0);
  };
  // Until it listens; then each is answered, and nothing else is.
  EXPECT_TRUE(eventually([&] {
    beat(std::string_view("\0", 1));
    return ::recv(socket.get(), room.data(), room.size(), MSG_DONTWAIT) == 1;
  }));
  EXPECT_EQ(room[0], '\0');
  while (::recv(socket.get(), room.data(), room.size(), MSG_DONTWAIT) >= 0) {
  }
  const double before = in.figure("forward_heartbeats_total");
  beat("x");
  beat(std::string_view("\0\0", 2));
  beat("");
  beat(std::string_view("\0", 1));
  EXPECT_EQ(::recv(socket.get(), room.data(), room.size(), 0), 1);
  EXPECT_GE(in.figure("forward_heartbeats_total"), before + 1);
  EXPECT_EQ(in.sink.size(), 0U);
}

TEST(Forward, EventTimeKeepsItsNanoseconds) {
  test::MadeInput in{std::string(kServer)};
  Peer peer(in.port("forward_port"));
  Buffer message;
  Writer writer(message);
  writer.array(4);
  writer.string("t");
  writer.extension(0, as_bytes(std::string_view("\x65\x53\xf1\x00\x00\x00\x00\x07", 8)));
  writer.raw(object(R"({"log":"x"})"));
  writer.raw(object(R"({"chunk":"c"})"));
  peer.send(message);
  EXPECT_EQ(peer.receive(), R"({"ack":"c"})");
  EXPECT_EQ(in.sink.given()[0].time, (logs::EventTime{.seconds = 1'700'000'000, .nanoseconds = 7}));
}

TEST(Forward, AMessageMayComeByteByByte) {
  test::MadeInput in{std::string(kServer)};
  Peer peer(in.port("forward_port"));
  const Buffer message = object(R"(["t",[[1,{"log":"slow"}]],{"chunk":"s"}])");
  for (const std::byte byte : message) peer.send({byte});
  EXPECT_EQ(peer.receive(), R"({"ack":"s"})");
  EXPECT_EQ(in.sink.lines(), std::vector<std::string>{"slow"});
}

TEST(Forward, NothingIsAcknowledgedThatIsNotKept) {
  test::MadeInput in{std::string(kServer)};
  std::atomic<bool> broken{true};
  in.sink.on_sync = [&]() -> Result<> {
    return broken ? Result<>(fail(ErrorKind::resource_exhausted, "disk full")) : Result<>();
  };
  Peer first(in.port("forward_port"));
  const Buffer message = object(R"(["t",[[1,{"log":"x"}]],{"chunk":"1"}])");
  first.send(message);
  EXPECT_EQ(first.receive(), "the end");
  broken = false;
  Peer second(in.port("forward_port"));
  second.send(message);
  EXPECT_EQ(second.receive(), R"({"ack":"1"})");
  EXPECT_EQ(in.sink.kept(), 1U);
}

TEST(Forward, BadEntriesAreCountedAndTheOthersTaken) {
  test::MadeInput in{std::string(kServer)};
  Peer peer(in.port("forward_port"));
  const std::string large(1 << 20, 'x');
  peer.send(object(R"(["t",[[1,{"log":"a"}],["no time",{"log":"b"}],[1,"no map"],[1,{"log":")" +
                   large + R"("}],7,[1,{"log":"c"}]],{"chunk":"1"}])"));
  EXPECT_EQ(peer.receive(), R"({"ack":"1"})");
  EXPECT_EQ(in.sink.lines(), (std::vector<std::string>{"a", "c"}));
  EXPECT_EQ(in.figure("forward_entries_refused_total"), 4);
}

TEST(Forward, MetricsAndTracesAreRefusedAndCounted) {
  test::MadeInput in{std::string(kServer)};
  Peer peer(in.port("forward_port"));
  peer.send(joined({object(R"(["t",[[1,{"cpu":1}]],{"chunk":"1","fluent_signal":1}])"),
                    object(R"(["t",[[1,{"log":"x"}]],{"chunk":"2","fluent_signal":0}])")}));
  EXPECT_EQ(peer.receive(), R"({"ack":"2"})");
  EXPECT_EQ(in.sink.size(), 1U);
  EXPECT_EQ(in.figure("forward_signals_refused_total"), 1);
}

TEST(Forward, HostilePeersHarmNobodyElse) {
  test::MadeInput in(std::string(kServer) +
                     "max_message = \"1 MiB\"\nmax_unpacked = \"4 MiB\"\nmax_held = \"8 MiB\"\n");
  const std::uint16_t port = in.port("forward_port");
  Peer good(port);
  const auto still_served = [&] {
    good.send(object(R"(["t",[[1,{"log":"good"}]],{"chunk":"g"}])"));
    return good.receive();
  };
  const Buffer bomb = test::gzip(Buffer(50'000'000));
  const std::vector<Buffer> attacks{
      to_buffer("GET / HTTP/1.1\r\n\r\n"),
      to_buffer(std::string("\xdd\xff\xff\xff\xff", 5)),           // four billion entries
      to_buffer(std::string("\x92\xa1t\xc6\x7f\xff\xff\xff", 8)),  // two gigabytes
      Buffer(2'000'000, std::byte{0x91}),                          // two million deep
      object(R"([1,2,3])"),
      object(R"([])"),
      object(R"(["t"])"),
      object(R"(["t",null,{}])"),
      object("[\"" + std::string(300, 't') + R"(",1,{}])"),
      packed_forward(bomb, R"({"compressed":"gzip"})"),
      packed_forward(to_buffer("no gzip"), R"({"compressed":"gzip"})"),
      packed_forward(to_buffer("x"), R"({"compressed":"zstd"})"),
      to_buffer("\x92\xa1t\xc1"),
  };
  for (const Buffer& attack : attacks) {
    Peer bad(port);
    bad.send(attack);
    EXPECT_EQ(bad.receive(), "the end");
    EXPECT_EQ(still_served(), R"({"ack":"g"})");
  }
  EXPECT_EQ(in.figure("forward_messages_broken_total"), static_cast<double>(attacks.size()));
  // Half a message, and gone.
  Peer half(port);
  half.send(to_buffer("\x93\xa1t"));
  half.close();
  EXPECT_EQ(still_served(), R"({"ack":"g"})");
  EXPECT_EQ(in.sink.size(), attacks.size() + 1);
}

TEST(Forward, WhoIsSlowIsLetGo) {
  test::MadeInput in(std::string(kServer) +
                     "message_timeout = \"50ms\"\nidle_timeout = \"100ms\"\n");
  Peer half(in.port("forward_port"));
  half.send(to_buffer("\x93\xa1t"));
  EXPECT_EQ(half.receive(), "the end");
  Peer silent(in.port("forward_port"));
  EXPECT_EQ(silent.receive(), "the end");
}

std::string digest(std::string_view text) { return sha512_hex(as_bytes(text)); }

// What a client answers to HELO.
Buffer ping(const Peer& peer, std::string_view key, std::string_view user,
            std::string_view password) {
  Reader reader(peer.last());
  (void)reader.next();
  (void)reader.skip();
  const ByteView options = *reader.skip();
  const std::string nonce(*logs::text_field(options, "nonce"));
  const std::string auth(*logs::text_field(options, "auth"));
  Buffer out;
  Writer writer(out);
  writer.array(6);
  for (const std::string& text : {std::string("PING"), std::string("me"), std::string("salt"),
                                  digest("saltme" + nonce + std::string(key)), std::string(user),
                                  digest(auth + std::string(user) + std::string(password))})
    writer.string(text);
  return out;
}

TEST(Forward, AStrangerMaySayLittle) {
  test::MadeInput in(std::string(kServer) + "shared_key = { env = \"SECRET\" }\n");
  Peer stranger(in.port("forward_port"));
  stranger.receive();
  // The beginning of a PING of 64 KiB: let go at once, and not after it.
  Buffer begin;
  Writer(begin).array(6);
  begin.push_back(std::byte{0xda});
  begin.resize(begin.size() + 2, std::byte{0xff});
  EXPECT_TRUE(stranger.send(begin));
  EXPECT_EQ(stranger.receive(), "the end");
  EXPECT_EQ(in.figure("forward_messages_broken_total"), 1);
  // Who knows the key may say much.
  Peer known(in.port("forward_port"));
  known.receive();
  known.send(ping(known, "open sesame", "", ""));
  EXPECT_TRUE(known.receive().starts_with(R"(["PONG",true)"));
  known.send(
      object("[\"t\",[[1,{\"log\":\"" + std::string(100'000, 'x') + "\"}]],{\"chunk\":\"1\"}]"));
  EXPECT_EQ(known.receive(), R"({"ack":"1"})");
}

TEST(Forward, OnlyWhoKnowsTheKeyIsHeard) {
  test::MadeInput in(std::string(kServer) + R"(
shared_key = { env = "SECRET" }
self_hostname = "here"
[[user]]
name = "ann"
password = "pass"
)");
  ASSERT_EQ(in.error, "");
  const std::uint16_t port = in.port("forward_port");
  const Buffer message = object(R"(["t",[[1,{"log":"x"}]],{"chunk":"1"}])");
  struct Case {
    const char *key, *user, *password;
    bool good;
  };
  for (const Case& one :
       {Case{"open sesame", "ann", "pass", true}, Case{"guess", "ann", "pass", false},
        Case{"open sesame", "bob", "pass", false}, Case{"open sesame", "ann", "guess", false}}) {
    Peer peer(port);
    EXPECT_TRUE(peer.receive().starts_with(R"(["HELO",{"nonce":)"));
    peer.send(ping(peer, one.key, one.user, one.password));
    EXPECT_EQ(peer.receive().starts_with(R"(["PONG",true,"","here",)"), one.good);
    if (!one.good) {
      EXPECT_EQ(peer.receive(), "the end");
      continue;
    }
    peer.send(message);
    EXPECT_EQ(peer.receive(), R"({"ack":"1"})");
  }
  Peer rude(port);
  rude.receive();
  rude.send(message);
  EXPECT_EQ(rude.receive(), "the end");
  EXPECT_EQ(in.sink.size(), 1U);
  EXPECT_EQ(in.figure("forward_strangers_total"), 3);
}

TEST(Forward, SettingsAreChecked) {
  const auto error = [](const std::string& more) {
    return test::MadeInput(std::string("type = \"forward\"\n") + more).error;
  };
  EXPECT_NE(error("listen = \"here\"").find("pipe.toml:2: listen: \"here\" must be \"HOST:PORT\""),
            std::string::npos);
  EXPECT_NE(error("tls_key = \"k\"").find("belong together"), std::string::npos);
  EXPECT_NE(error("shared_key = { env = \"NONE\" }").find("has no NONE"), std::string::npos);
  EXPECT_NE(error("[[user]]\nname = \"x\"\npassword = \"y\"").find("needs a shared_key"),
            std::string::npos);
  EXPECT_NE(error("max_held = \"1 MiB\"").find("too little"), std::string::npos);
  EXPECT_NE(error("lisen = \"1\"").find("did you mean \"listen\"?"), std::string::npos);
}

TEST(Forward, APortThatIsTakenEndsIt) {
  test::MadeInput one{std::string(kServer)};
  const std::string port = std::to_string(one.port("forward_port"));
  test::MadeInput two("type = \"forward\"\nlisten = \"127.0.0.1:" + port + "\"\n");
  EXPECT_TRUE(eventually([&] { return two.over.load(); }));
  two.stop();
  ASSERT_FALSE(two.result.ok());
  EXPECT_EQ(two.result.error().kind(), ErrorKind::already_exists);
}

}  // namespace
}  // namespace quern::inputs
