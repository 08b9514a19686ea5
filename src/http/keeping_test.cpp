// Connections that the client keeps behind an answer for the next request.
#include "base/guarded.hpp"
#include "http/long_count.hpp"
#include "http/test_support.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <list>
#include <set>
#include <thread>
#include <utility>

namespace quern::http::test {
namespace {

class Keeping : public ::testing::Test {
 protected:
  std::string post(const std::string& url, const std::string& body = "body",
                   std::vector<std::pair<std::string, std::string>> headers = {}) {
    SendRequest request{.method = "POST", .url = url, .headers = std::move(headers)};
    request.body_bytes = body.size();
    // As a stream does: what was given is gone.
    request.body = [piece = body]() mutable -> Result<Buffer> {
      return to_buffer(std::exchange(piece, {}));
    };
    const Result<SendAnswer> answer = client_->send(request, {});
    return answer.ok() ? std::to_string(answer->status) + " " + answer->body
                       : "error: " + answer.error().describe();
  }
  static std::string read_request(int socket) {
    std::string text = ScriptedPeer::read_head(socket);
    const std::size_t at = text.find("Content-Length: ");
    std::size_t left = at == std::string::npos ? 0 : std::stoul(text.substr(at + 16));
    for (char c = 0; left > 0 && ::recv(socket, &c, 1, 0) == 1; --left) text += c;
    return text;
  }
  LambdaHandler::Handle serve() {
    return [this](const std::shared_ptr<Exchange>& exchange) {
      peers_.with([&](auto& peers) { peers.insert(exchange->request().peer); });
      echo(exchange);
    };
  }
  // That serve() has seen.
  std::size_t connections() const {
    return peers_.with([](const auto& peers) { return peers.size(); });
  }
  static constexpr std::string_view kYes = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes";

  Guarded<std::set<std::string>> peers_;
  std::unique_ptr<Network> client_ = make_client({.idle_connections = 2});
};

TEST_F(Keeping, requests_to_one_place_share_a_connection) {
  TestServer server(serve());
  for (int i = 0; i < 5; ++i) {
    const std::string body = "n" + std::to_string(i);
    EXPECT_NE(post(server.url("/x"), body).find("body=" + body), std::string::npos);
  }
  EXPECT_EQ(connections(), 1U);
  // One that asks for it has its own, and it is not kept.
  (void)post(server.url("/x"), "", {{"Connection", "close"}});
  (void)post(server.url("/x"));
  EXPECT_EQ(connections(), 2U);
  client_ = make_client({});
  for (int i = 0; i < 3; ++i) (void)post(server.url("/x"));
  EXPECT_EQ(connections(), 5U);
}

TEST_F(Keeping, tls_too_and_a_stop_of_one_is_not_that_of_the_next) {
  const TempFolder folder;
  const TlsFiles files = make_certificate(folder.path(), "localhost");
  client_ = make_client({.idle_connections = 2, .ca_file = files.certificate});
  TestServer server(serve(), {.tls = files});
  std::stop_source stopped;
  SendRequest request{.method = "POST", .url = server.url("/x", true), .body = {}};
  EXPECT_TRUE(client_->send(request, stopped.get_token()).ok());
  stopped.request_stop();
  EXPECT_TRUE(post(server.url("/x", true)).starts_with("200"));
  EXPECT_EQ(connections(), 1U);
}

TEST_F(Keeping, one_that_ended_meanwhile_is_made_anew_once) {
  std::vector<std::string> got;
  ScriptedPeer peer([&](int socket, int connection) {
    got.push_back(read_request(socket));
    ScriptedPeer::write(socket, kYes);
    // It takes the second request and hangs up without a word.
    if (connection == 0) got.push_back(read_request(socket));
  });
  EXPECT_EQ(post(peer.url("/a"), "one"), "200 yes");
  EXPECT_EQ(post(peer.url("/b"), "two"), "200 yes");
  ASSERT_EQ(got.size(), 3U);
  EXPECT_TRUE(got[1].ends_with("two"));
  EXPECT_EQ(got[1], got[2]);
}

TEST_F(Keeping, one_that_was_closed_is_not_tried) {
  std::atomic<int> requests{0};
  ScriptedPeer peer([&](int socket, int) {
    if (!read_request(socket).empty()) ++requests;
    ScriptedPeer::write(socket, kYes);
  });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(post(peer.url("/a")), "200 yes");
  EXPECT_EQ(requests, 3);
}

TEST_F(Keeping, what_was_answered_by_half_or_on_a_new_connection_is_not_sent_again) {
  std::atomic<int> made{0};
  ScriptedPeer peer([&](int socket, int connection) {
    made = connection + 1;
    read_request(socket);
    if (connection == 1) return;  // new, and hangs up
    ScriptedPeer::write(socket, kYes);
    read_request(socket);
    ScriptedPeer::write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  });
  EXPECT_EQ(post(peer.url("/a")), "200 yes");
  EXPECT_TRUE(post(peer.url("/a")).starts_with("error: "));
  EXPECT_EQ(made, 1);
  EXPECT_TRUE(post(peer.url("/a")).starts_with("error: "));
  EXPECT_EQ(made, 2);
}

TEST_F(Keeping, a_server_that_closes_or_tells_no_length_is_asked_anew) {
  std::atomic<int> made{0};
  for (const std::string_view answer :
       {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nyes",
        "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nyes", "HTTP/1.1 200 OK\r\n\r\nyes"}) {
    made = 0;
    ScriptedPeer peer([&](int socket, int connection) {
      made = connection + 1;
      read_request(socket);
      ScriptedPeer::write(socket, answer);
    });
    EXPECT_EQ(post(peer.url("/a")), "200 yes");
    EXPECT_EQ(post(peer.url("/a")), "200 yes");
    EXPECT_EQ(made, 2) << answer;
  }
}

TEST_F(Keeping, only_so_many_are_kept_and_not_for_long) {
  std::list<TestServer> servers;
  for (int i = 0; i < 4; ++i) servers.emplace_back(echo);
  for (TestServer& server : servers) (void)post(server.url("/"));
  const auto open = [&] {
    std::uint32_t all = 0;
    for (TestServer& server : servers) all += server.server().connections();
    return all;
  };
  EXPECT_TRUE(eventually([&] { return open() == 2; })) << open();
  client_ = make_client({.idle_connections = 2, .idle_time = milliseconds(0)});
  EXPECT_TRUE(eventually([&] { return open() == 0; }));
  TestServer server(serve());
  for (int i = 0; i < 3; ++i) {
    (void)post(server.url("/"));
    std::this_thread::sleep_for(milliseconds(2));
  }
  EXPECT_EQ(connections(), 3U);
}

TEST_F(Keeping, what_nobody_asks_for_any_more_is_closed_while_others_are_asked) {
  client_ = make_client({.idle_connections = 8, .idle_time = milliseconds(500)});
  TestServer left(echo);
  TestServer busy(echo);
  (void)post(left.url("/"));
  EXPECT_TRUE(eventually([&] {
    (void)post(busy.url("/"));
    return left.server().connections() == 0;
  }));
}

TEST_F(Keeping, a_body_that_is_not_as_long_as_was_said_is_not_sent) {
  std::atomic<int> requests{0};
  TestServer server([&](const std::shared_ptr<Exchange>& exchange) {
    ++requests;
    echo(exchange);
  });
  (void)post(server.url("/x"));
  for (const std::uint64_t said : {3U, 5U}) {
    SendRequest request{.method = "POST", .url = server.url("/x"), .body_bytes = said};
    request.body = [piece = std::string("body")]() mutable -> Result<Buffer> {
      return to_buffer(std::exchange(piece, {}));
    };
    const Result<SendAnswer> answer = client_->send(request, {});
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().kind(), ErrorKind::corrupt_data);
    (void)post(server.url("/x"));
  }
  EXPECT_EQ(requests, 3);
}

TEST(LongCount, follows_one_of_32_bits_that_may_be_told_late) {
  LongCount count;
  EXPECT_EQ(count.follow(5), 5U);
  EXPECT_EQ(count.follow(3), 5U);
  EXPECT_EQ(count.follow(5), 5U);
  EXPECT_EQ(count.follow(0x7fffffff), 0x7fffffffU);
  EXPECT_EQ(count.follow(0xfffffff0), 0xfffffff0U);
  EXPECT_EQ(count.follow(4), 0x100000004U);
  EXPECT_EQ(count.follow(0xfffffff8), 0x100000004U);
  EXPECT_EQ(count.value(), 0x100000004U);
}

}  // namespace
}  // namespace quern::http::test
