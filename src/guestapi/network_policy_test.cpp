#include "guestapi/network_policy.hpp"

#include "guestapi/ip_address.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <random>

namespace quern::guestapi {
namespace {

using ::testing::HasSubstr;
using wasm::SocketUse;

std::shared_ptr<wasm::NetworkPolicy> policy(std::vector<std::string> net,
                                            std::vector<std::string> listen = {}) {
  return make_network_policy(net, listen).value();
}

wasm::OutboundRequest request(std::string authority) {
  return {.method = "GET", .scheme = "https", .authority = std::move(authority), .path = "/"};
}

TEST(NetworkPolicy, NothingGrantedIsNoNetwork) {
  const auto none = policy({});
  const auto denied = none->allow_request(request("example.com:443"));
  ASSERT_FALSE(denied.ok());
  EXPECT_THAT(denied.error().message(), HasSubstr("net = [\"example.com:443\"]"));
  EXPECT_FALSE(none->allow_socket(SocketUse::open, "").ok());
  EXPECT_FALSE(none->allow_socket(SocketUse::resolve, "example.com").ok());
  EXPECT_TRUE(policy({"example.com:443"})->allow_socket(SocketUse::open, "").ok());
}

TEST(NetworkPolicy, RequestsGoWhereAGrantLeads) {
  const auto net = policy({"api.example.com:443", "127.0.0.1:8000-8100"});
  EXPECT_TRUE(net->allow_request(request("api.example.com:443")).ok());
  EXPECT_TRUE(net->allow_request(request("127.0.0.1:8000")).ok());
  const auto denied = net->allow_request(request("api.example.com:80"));
  ASSERT_FALSE(denied.ok());
  EXPECT_EQ(denied.error().kind(), ErrorKind::permission_denied);
  EXPECT_THAT(denied.error().message(), HasSubstr("net = [\"api.example.com:80\"]"));
  EXPECT_FALSE(net->allow_request(request("localhost:8000")).ok());
  EXPECT_FALSE(net->allow_request(request("api.example.com")).ok());
}

TEST(NetworkPolicy, NoSpellingOfLoopbackPassesTheWildcard) {
  const auto net = policy({"*:*"});
  EXPECT_TRUE(net->allow_request(request("example.com:443")).ok());
  for (const char* host :
       {"127.0.0.1:80", "[::1]:80", "localhost:80", "LOCALHOST.:80", "2130706433:80", "0x7f.1:80",
        "127.1:80", "[::ffff:127.0.0.1]:80", "[::ffff:7f00:1]:80", "0.0.0.0:80",
        "169.254.169.254:80", "metadata.google.internal:80", "a@127.0.0.1:80"}) {
    EXPECT_FALSE(net->allow_request(request(host)).ok()) << host;
  }
  const auto denied = net->allow_request(request("[::1]:80"));
  EXPECT_THAT(denied.error().message(), HasSubstr("net = [\"[::1]:80\"]"));
  EXPECT_THAT(denied.error().message(), HasSubstr("public"));
}

TEST(NetworkPolicy, ASocketMayUseWhatAGrantedNameResolvedTo) {
  const auto net = policy({"db.example.com:5432"});
  EXPECT_FALSE(net->allow_socket(SocketUse::tcp_connect, "10.0.0.5:5432").ok());
  ASSERT_TRUE(net->allow_socket(SocketUse::resolve, "db.example.com").ok());
  EXPECT_FALSE(net->allow_socket(SocketUse::resolve, "example.com").ok());
  net->resolved("db.example.com", {"10.0.0.5", "2606::5"});
  EXPECT_TRUE(net->allow_socket(SocketUse::tcp_connect, "10.0.0.5:5432").ok());
  EXPECT_TRUE(net->allow_socket(SocketUse::udp_send, "[2606::5]:5432").ok());
  EXPECT_FALSE(net->allow_socket(SocketUse::tcp_connect, "10.0.0.5:22").ok());
  EXPECT_FALSE(net->allow_socket(SocketUse::tcp_connect, "10.0.0.6:5432").ok());
}

TEST(NetworkPolicy, AWildcardNameMayNotLeadIntoAPrivateNetwork) {
  const auto net = policy({"*.example.com:*"});
  net->resolved("rebind.example.com", {"127.0.0.1", "93.184.216.34"});
  EXPECT_FALSE(net->allow_socket(SocketUse::tcp_connect, "127.0.0.1:80").ok());
  EXPECT_TRUE(net->allow_socket(SocketUse::tcp_connect, "93.184.216.34:80").ok());
}

TEST(NetworkPolicy, ListeningIsGrantedApart) {
  const auto net = policy({"*:*"}, {"127.0.0.1:9000"});
  EXPECT_TRUE(net->allow_socket(SocketUse::tcp_bind, "127.0.0.1:9000").ok());
  const auto denied = net->allow_socket(SocketUse::tcp_bind, "0.0.0.0:9000");
  ASSERT_FALSE(denied.ok());
  EXPECT_THAT(denied.error().message(), HasSubstr("listen = [\"0.0.0.0:9000\"]"));
  EXPECT_FALSE(net->allow_socket(SocketUse::udp_bind, "127.0.0.1:0").ok());
  EXPECT_TRUE(net->allow_socket(SocketUse::tcp_listen, "127.0.0.1:9000").ok());
  EXPECT_FALSE(net->allow_socket(SocketUse::tcp_listen, "127.0.0.1:40000").ok());
}

TEST(NetworkPolicy, LetsTheSystemChooseThePort) {
  const auto net = policy({}, {"127.0.0.1:0"});
  EXPECT_TRUE(net->allow_socket(SocketUse::tcp_bind, "127.0.0.1:0").ok());
  EXPECT_FALSE(net->allow_socket(SocketUse::tcp_bind, "127.0.0.1:40000").ok());
  EXPECT_TRUE(net->allow_socket(SocketUse::tcp_listen, "127.0.0.1:40000").ok());
  EXPECT_FALSE(net->allow_socket(SocketUse::tcp_listen, "127.0.0.2:40000").ok());
}

TEST(NetworkPolicy, RemembersABoundedNumberOfAddresses) {
  const auto net = policy({"many.example.com:80"});
  std::vector<std::string> addresses;
  for (int i = 0; i < 2000; ++i) {
    addresses.push_back("8." + std::to_string(i / 250) + ".0." + std::to_string(i % 250));
  }
  net->resolved("many.example.com", addresses);
  EXPECT_TRUE(net->allow_socket(SocketUse::tcp_connect, "8.0.0.0:80").ok());
  EXPECT_FALSE(net->allow_socket(SocketUse::tcp_connect, addresses.back() + ":80").ok());
}

// Whatever the system's resolver takes for an address, the wildcard must have seen it as one.
TEST(NetworkPolicy, NoMixtureOfFormsReachesAPrivateAddress) {
  const char* const kPieces[] = {
      "127", "0x7f", "0177", "2130706433", "0", "1", "10", "192", "168", ".", ".", ".",  ":",
      "::",  "[",    "]",    "ffff",       "a", "x", "-",  "%",   "1e0", "٣", "@", "0x", "fe80"};
  const auto net = policy({"*:*"});
  std::minstd_rand random(7);
  int allowed = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string host;
    for (auto left = random() % 8 + 1; left > 0; --left) {
      host += kPieces[random() % std::size(kPieces)];
    }
    if (!net->allow_request(request(host + ":80")).ok()) continue;
    ++allowed;
    std::string plain = host;
    if (plain.starts_with('[')) plain = plain.substr(1, plain.size() - 2);
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST;
    addrinfo* found = nullptr;
    if (getaddrinfo(plain.c_str(), nullptr, &hints, &found) != 0) continue;
    char text[NI_MAXHOST];
    getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
    freeaddrinfo(found);
    EXPECT_TRUE(is_public(parse_ip(text).value())) << host << " is " << text;
  }
  EXPECT_GT(allowed, 10) << "the test must get past the parser sometimes";
}

TEST(NetworkPolicy, ANameIsTheSameInEverySpelling) {
  const auto net = policy({"db.example.com:5432"});
  EXPECT_TRUE(net->allow_socket(SocketUse::resolve, "DB.Example.com.").ok());
  net->resolved("DB.Example.com.", {"10.0.0.5"});
  EXPECT_TRUE(net->allow_socket(SocketUse::tcp_connect, "10.0.0.5:5432").ok());
}

TEST(NetworkPolicy, MalformedGrantsAreFoundBeforeTheGuestRuns) {
  EXPECT_FALSE(make_network_policy({"example.com"}, {}).ok());
  EXPECT_FALSE(make_network_policy({"example.com:0"}, {}).ok());
  EXPECT_FALSE(make_network_policy({}, {"localhost:80"}).ok());
  EXPECT_TRUE(make_network_policy({}, {"0.0.0.0:0"}).ok());
}

}  // namespace
}  // namespace quern::guestapi
