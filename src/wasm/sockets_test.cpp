// WasmEdge's socket extension: one program in the first forms of its functions and one in the
// second, which look for themselves what comes back, and the test on the other side.
#include "wasm/test_support.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace quern::wasm {
namespace {

using namespace testing;
using ::testing::TestWithParam;
using ::testing::Values;

// Allows everything, or nothing but to open; remembers every question.
class Policy final : public NetworkPolicy {
 public:
  enum class Allows : std::uint8_t { everything, opening };
  explicit Policy(Allows allows) : allows_(allows) {}
  Result<> allow_request(const OutboundRequest&) override {
    return fail(ErrorKind::permission_denied, "not granted: a request");
  }
  Result<> allow_socket(SocketUse use, std::string_view address) override {
    const std::string question = std::to_string(static_cast<int>(use)) + " " + std::string(address);
    note(question);
    if (allows_ == Allows::everything || use == SocketUse::open) return {};
    return fail(ErrorKind::permission_denied, "not granted: " + question);
  }
  void resolved(std::string_view name, const std::vector<std::string>& addresses) override {
    note("resolved " + std::string(name) + " " + addresses.front());
  }
  bool heard(const std::string& question) const {
    const std::lock_guard lock(mutex_);
    return std::find(asked_.begin(), asked_.end(), question) != asked_.end();
  }

 private:
  void note(std::string question) {
    const std::lock_guard lock(mutex_);
    asked_.push_back(std::move(question));
  }
  const Allows allows_;
  mutable std::mutex mutex_;
  std::vector<std::string> asked_;
};

std::shared_ptr<Policy> everything() {
  return std::make_shared<Policy>(Policy::Allows::everything);
}

// A socket of the test on loopback.
class Peer {
 public:
  Peer() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  explicit Peer(int socket) : socket_(socket) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() { ::close(socket_); }

  std::uint16_t listen() {
    sockaddr_in own = loopback(0);
    socklen_t size = sizeof(own);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&own), size), 0);
    EXPECT_EQ(::listen(socket_, 8), 0);
    EXPECT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&own), &size), 0);
    return ntohs(own.sin_port);
  }
  std::unique_ptr<Peer> accept() {
    return std::make_unique<Peer>(::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC));
  }
  bool connect(std::uint16_t port) {
    const sockaddr_in to = loopback(port);
    return ::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0;
  }
  void send(std::string_view text) {
    EXPECT_EQ(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  // So many bytes, or fewer when the other side ends.
  std::string receive(std::size_t size) {
    std::string text(size, '\0');
    const ssize_t count = ::recv(socket_, text.data(), size, MSG_WAITALL);
    text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return text;
  }
  void finish() { EXPECT_EQ(::shutdown(socket_, SHUT_WR), 0); }

 private:
  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
  }
  int socket_;
};

class SocketsTest : public TestWithParam<const char*> {
 protected:
  struct Ended {
    Result<int> code;
    std::string text;
  };
  static Ended run_sockets(std::vector<std::string> args, std::shared_ptr<NetworkPolicy> network,
                           Limits limits = {}) {
    const auto out = std::make_shared<Collected>();
    args.insert(args.begin(), "sockets");
    Result<int> code = run_guest(
        GetParam(),
        {.args = std::move(args), .network = std::move(network), .out = out, .limits = limits});
    return {std::move(code), out->text()};
  }
  static void expect_code(const Ended& ended, int code) {
    ASSERT_TRUE(ended.code.ok()) << ended.code.error().describe();
    EXPECT_EQ(*ended.code, code) << ended.text;
  }
  void TearDown() override {
    EXPECT_TRUE(eventually([] { return shared_engine().live_instances() == 0; }));
  }
};

INSTANTIATE_TEST_SUITE_P(Forms, SocketsTest, Values("sockets_first_forms", "sockets_second_forms"));

TEST_P(SocketsTest, CallsAnswerAsTheProgramExpects) {
  const Ended ended = run_sockets({"checks"}, everything());
  expect_code(ended, 0);
  EXPECT_EQ(ended.text, "all is well\n");
}

TEST_P(SocketsTest, ForgedNumbersAndWildPointersAreErrors) {
  expect_code(run_sockets({"hostile"}, everything()), 0);
}

TEST_P(SocketsTest, DatagramsComeWithTheirSender) {
  expect_code(run_sockets({"udp"}, everything()), 0);
}

TEST_P(SocketsTest, OneEventLoopServesSeveralClients) {
  const auto out = std::make_shared<Collected>();
  Later<int> later;
  const auto linked = link_guest(GetParam());
  const auto running = linked->run(
      {.args = {"sockets", "serve", "3"}, .network = everything(), .out = out}, later.setter());
  ASSERT_TRUE(eventually([&] { return out->text().ends_with('\n'); }));
  const auto port = static_cast<std::uint16_t>(std::stoul(out->text()));
  std::array<Peer, 3> peers;
  for (Peer& peer : peers) ASSERT_TRUE(peer.connect(port));
  // The last first: nobody waits for another's turn.
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = peers.size(); i-- > 0;) {
      const std::string text = "round " + std::to_string(round) + " of " + std::to_string(i);
      peers.at(i).send(text);
      EXPECT_EQ(peers.at(i).receive(text.size()), text);
    }
  }
  for (Peer& peer : peers) {
    peer.finish();
    EXPECT_EQ(peer.receive(1), "");
  }
  const auto code = later.get();
  ASSERT_TRUE(code.ok()) << code.error().describe();
  EXPECT_EQ(*code, 0) << out->text();
}

TEST_P(SocketsTest, AGuestReachesTheHostsServer) {
  Peer server;
  const std::string port = std::to_string(server.listen());
  std::jthread echo([&] {
    const auto client = server.accept();
    const std::string text = client->receive(100);
    client->send("you said " + text);
  });
  const Ended ended = run_sockets({"dial", port, "good morning"}, everything());
  expect_code(ended, 0);
  EXPECT_EQ(ended.text, "you said good morning\n");
}

TEST_P(SocketsTest, ASendThatWaitsTakesAll) {
  Peer server;
  const std::string port = std::to_string(server.listen());
  std::string received;
  std::jthread reader([&] { received = server.accept()->receive(9U << 20U); });
  expect_code(run_sockets({"pour", port}, everything()), 0);
  reader.join();
  ASSERT_EQ(received.size(), 8U << 20U);
  for (std::size_t i = 0; i < received.size(); ++i) {
    ASSERT_EQ(static_cast<std::uint8_t>(received[i]), static_cast<std::uint8_t>(i * 7 + i / 251));
  }
}

TEST_P(SocketsTest, ThePolicyIsAskedForEachUse) {
  const auto policy = std::make_shared<Policy>(Policy::Allows::opening);
  expect_code(run_sockets({"denied", "9"}, policy), 0);
  const auto question = [](SocketUse use, const char* address) {
    return std::to_string(static_cast<int>(use)) + " " + address;
  };
  EXPECT_TRUE(policy->heard(question(SocketUse::tcp_bind, "127.0.0.1:9")));
  EXPECT_TRUE(policy->heard(question(SocketUse::tcp_listen, "0.0.0.0:0")));  // a listen unbound
  EXPECT_TRUE(policy->heard(question(SocketUse::tcp_connect, "127.0.0.1:9")));
  EXPECT_TRUE(policy->heard(question(SocketUse::udp_bind, "127.0.0.1:9")));
  EXPECT_TRUE(policy->heard(question(SocketUse::udp_send, "127.0.0.1:9")));
  EXPECT_TRUE(policy->heard(question(SocketUse::resolve, "localhost")));
}

TEST_P(SocketsTest, WithoutAPolicyThereIsNoSocket) {
  constexpr int kAccess = 2;
  expect_code(run_sockets({"denied", "9"}, nullptr), kAccess);
}

TEST_P(SocketsTest, NamesAreLookedUpUnderThePolicy) {
  const auto policy = everything();
  const Ended ended = run_sockets({"look-up", "localhost", "http"}, policy);
  expect_code(ended, 0);
  EXPECT_EQ(ended.text, "127.0.0.1:80\n");
  EXPECT_TRUE(policy->heard("resolved localhost 127.0.0.1"));
  constexpr int kNoService = 85;
  expect_code(run_sockets({"look-up", "localhost", "no-such-service"}, policy), kNoService);
}

TEST_P(SocketsTest, AHogGetsNoMoreThanItsHandles) {
  const Ended ended = run_sockets({"hog"}, everything(), {.handles = 200});
  expect_code(ended, 0);
  EXPECT_EQ(ended.text, "200\n");
}

TEST_P(SocketsTest, AGuestThatWaitsHoldsNoThreadAndEndsWithItsSockets) {
  struct Waiting {
    std::shared_ptr<Collected> out = std::make_shared<Collected>();
    Later<int> end;
    std::unique_ptr<Running> running;
  };
  const auto linked = link_guest(GetParam());
  std::array<Waiting, 20> guests;  // on two threads
  for (Waiting& guest : guests) {
    guest.running =
        linked->run({.args = {"sockets", "serve", "1"}, .network = everything(), .out = guest.out},
                    guest.end.setter());
  }
  for (const Waiting& guest : guests) {
    ASSERT_TRUE(eventually([&] { return guest.out->text().ends_with('\n'); }));
  }
  EXPECT_TRUE(run_guest("healthy").ok());
  for (Waiting& guest : guests) {
    guest.running.reset();
    EXPECT_FALSE(guest.end.get().ok());
    const auto port = static_cast<std::uint16_t>(std::stoul(guest.out->text()));
    EXPECT_TRUE(eventually([&] { return !Peer().connect(port); }));
  }
}

TEST_P(SocketsTest, TheWallClockEndsAWait) {
  const Ended ended = run_sockets({"serve", "1"}, everything(), {.wall = 100ms});
  ASSERT_FALSE(ended.code.ok());
  EXPECT_EQ(to_string(ended.code.error().kind()), to_string(ErrorKind::deadline_exceeded));
}

TEST(Sockets, AFormThatNobodyOffersIsNamed) {
  const auto program = shared_engine().load_file(guest("unfit_sockets"));
  ASSERT_TRUE(program.ok()) << program.error().describe();
  const auto linked = shared_engine().link(*program, {});
  ASSERT_FALSE(linked.ok());
  EXPECT_NE(linked.error().message().find("sock_accept"), std::string::npos)
      << linked.error().describe();
}

}  // namespace
}  // namespace quern::wasm
