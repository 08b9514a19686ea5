// What a well-behaved client sees.
#include "http/test_support.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <thread>

namespace quern::http::test {
namespace {

constexpr std::string_view kGet = "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n";

TEST(Server, answers_and_keeps_the_connection) {
  TestServer server(echo);
  RawClient client(server.port());
  for (int i = 0; i < 3; ++i) {
    client.send(kGet);
    const std::string response = client.receive_response();
    EXPECT_TRUE(response.starts_with("HTTP/1.1 200 OK\r\n")) << response;
    EXPECT_TRUE(response.ends_with("GET /a?b=c host=x body=\n")) << response;
    EXPECT_NE(response.find("\r\ndate: "), std::string::npos);
  }
  EXPECT_EQ(server.server().connections(), 1U);
}

TEST(Server, answers_pipelined_requests_in_order) {
  TestServer server(echo);
  RawClient client(server.port());
  std::string all;
  for (int i = 0; i < 50; ++i) {
    all += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
  }
  client.send(all);
  for (int i = 0; i < 50; ++i) {
    const std::string response = client.receive_response();
    EXPECT_TRUE(response.ends_with("POST /" + std::to_string(i) + " host=x body=hi\n")) << response;
  }
}

TEST(Server, accepts_a_request_byte_by_byte) {
  TestServer server(echo);
  RawClient client(server.port());
  for (const char c :
       "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
       "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: t\r\n\r\n") {
    if (c != '\0') client.send({&c, 1});
  }
  EXPECT_TRUE(client.receive_response().ends_with("POST / host=x body=abcde\n"));
  client.send(kGet);
  EXPECT_TRUE(client.receive_response().ends_with("body=\n"));
}

// Beast's parser asserts here when assertions are on; found by http_request_fuzz.
TEST(Server, accepts_an_empty_chunked_body_byte_by_byte) {
  TestServer server(echo);
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (const char c : std::string_view("0\r\n\r\n")) {
    client.send({&c, 1});
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_TRUE(client.receive_response().ends_with("POST / host=x body=\n"));
}

TEST(Server, sends_chunks_when_the_length_is_unknown) {
  TestServer server([](const std::shared_ptr<Exchange>& exchange) {
    exchange->send_head(200, {{"content-type", "text/plain"}});
    exchange->send_body(to_buffer("one"), [exchange](const Result<>&) {
      exchange->send_body(to_buffer("three"), [exchange](const Result<>&) { exchange->finish(); });
    });
  });
  RawClient client(server.port());
  client.send(kGet);
  const std::string response = client.receive_until("0\r\n\r\n");
  EXPECT_NE(response.find("transfer-encoding: chunked\r\n"), std::string::npos);
  EXPECT_TRUE(response.ends_with("\r\n\r\n3\r\none\r\n5\r\nthree\r\n0\r\n\r\n")) << response;
}

TEST(Server, writes_a_small_response_in_one_piece) {
  TestServer server(
      [](const std::shared_ptr<Exchange>& e) { e->respond(200, "text/plain", "hi"); });
  RawClient client(server.port());
  client.send(kGet);
  EXPECT_TRUE(eventually([&] {
    char byte = 0;
    return ::recv(client.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
  }));
  std::array<char, 1000> buffer{};
  const ssize_t n = ::recv(client.fd(), buffer.data(), buffer.size(), 0);
  EXPECT_TRUE(std::string_view(buffer.data(), static_cast<std::size_t>(n)).ends_with("\r\n\r\nhi"));
}

TEST(Server, head_has_the_length_but_no_body) {
  TestServer server(
      [](const std::shared_ptr<Exchange>& e) { e->respond(200, "text/plain", "body"); });
  RawClient client(server.port());
  client.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string head = client.receive_until("\r\n\r\n");
  EXPECT_NE(head.find("content-length: 4\r\n"), std::string::npos);
  client.send(kGet);
  EXPECT_TRUE(client.receive_until("\r\n\r\n").starts_with("HTTP/1.1 200"));
  EXPECT_EQ(client.receive_until("body"), "body");
}

TEST(Server, http_1_0_is_answered_and_closed) {
  TestServer server(echo);
  RawClient client(server.port());
  client.send("GET / HTTP/1.0\r\n\r\n");
  const std::string response = client.receive_all();
  EXPECT_NE(response.find("connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(response.ends_with("GET / host= body=\n"));
}

TEST(Server, http_1_0_may_ask_to_stay) {
  TestServer server(echo);
  RawClient client(server.port());
  for (int i = 0; i < 2; ++i) {
    client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_NE(client.receive_response().find("connection: keep-alive\r\n"), std::string::npos);
  }
}

TEST(Server, http_1_0_gets_a_stream_without_chunks) {
  TestServer server([](const std::shared_ptr<Exchange>& exchange) {
    exchange->send_head(200, {});
    exchange->send_body(to_buffer("stream"), [exchange](const Result<>&) { exchange->finish(); });
  });
  RawClient client(server.port());
  client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(client.receive_all().ends_with("\r\n\r\nstream"));
}

TEST(Server, connection_close_is_obeyed) {
  TestServer server(echo);
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_NE(client.receive_all().find("connection: close\r\n"), std::string::npos);
}

TEST(Server, says_100_continue_when_the_body_is_wanted) {
  TestServer server(echo);
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.receive_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  EXPECT_TRUE(client.receive_response().ends_with("body=ok\n"));
}

TEST(Server, answers_at_once_when_the_body_is_not_wanted) {
  TestServer server(
      [](const std::shared_ptr<Exchange>& e) { e->respond(401, "text/plain", "no"); });
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n");
  const std::string response = client.receive_all();
  EXPECT_TRUE(response.starts_with("HTTP/1.1 401 ")) << response;
  EXPECT_NE(response.find("connection: close\r\n"), std::string::npos);
}

TEST(Server, keeps_the_connection_after_a_small_body_that_nobody_read) {
  TestServer server(
      [](const std::shared_ptr<Exchange>& e) { e->respond(403, "text/plain", "no"); });
  RawClient client(server.port());
  for (int i = 0; i < 2; ++i) {
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_TRUE(client.receive_response().starts_with("HTTP/1.1 403 "));
  }
}

TEST(Server, an_absolute_target_becomes_path_and_host) {
  TestServer server(echo);
  RawClient client(server.port());
  client.send("GET http://other:1/p?q HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(client.receive_response().ends_with("GET /p?q host=other:1 body=\n"));
}

TEST(Server, exchanges_may_be_used_from_any_thread) {
  std::vector<std::jthread> workers;
  std::mutex mutex;
  TestServer server([&](const std::shared_ptr<Exchange>& exchange) {
    const std::lock_guard held(mutex);
    workers.emplace_back([exchange] {
      exchange->send_head(200, {{"content-length", "10"}});
      exchange->send_body(to_buffer("01234"), [exchange](const Result<>& sent) {
        EXPECT_TRUE(sent.ok());
        exchange->send_body(to_buffer("56789"),
                            [exchange](const Result<>&) { exchange->finish(); });
      });
    });
  });
  RawClient client(server.port());
  for (int i = 0; i < 20; ++i) {
    client.send(kGet);
    EXPECT_TRUE(client.receive_response().ends_with("0123456789"));
  }
}

TEST(Server, streams_without_end_wait_for_the_reader) {
  std::atomic<std::uint64_t> accepted{0};
  std::function<void(std::shared_ptr<Exchange>)> pump =
      [&](const std::shared_ptr<Exchange>& exchange) {
        exchange->send_body(Buffer(10'000), [&, exchange](const Result<>& sent) {
          if (!sent.ok()) return;
          accepted += 10'000;
          pump(exchange);
        });
      };
  TestServer server([&](const std::shared_ptr<Exchange>& exchange) {
    exchange->send_head(200, {});
    pump(exchange);
  });
  RawClient client(server.port());
  client.send(kGet);
  std::this_thread::sleep_for(milliseconds(200));
  const std::uint64_t before = accepted;
  std::this_thread::sleep_for(milliseconds(200));
  EXPECT_EQ(accepted, before);  // the socket's buffers are full, so the stream stands still
  EXPECT_LT(before, 20'000'000U);
  EXPECT_TRUE(eventually([&] {
    client.closed_within(milliseconds(10));  // reads
    return accepted > before;
  }));
}

TEST(Server, reads_a_body_only_when_asked) {
  std::shared_ptr<Exchange> kept;
  std::atomic<bool> here{false};
  TestServer server([&](const std::shared_ptr<Exchange>& exchange) {
    kept = exchange;
    here = true;
  });
  RawClient client(server.port());
  const std::string big(std::size_t{20} * 1024 * 1024, 'x');
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(big.size()) +
              "\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return here.load(); }));
  std::size_t sent = 0;
  for (int quiet = 0; quiet < 20;) {
    const std::size_t n = client.send_some(std::string_view(big).substr(sent));
    sent += n;
    quiet = n == 0 ? quiet + 1 : 0;
    if (n == 0) std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_LT(sent, big.size());  // stuck in the kernel's buffers
  read_all(kept, [exchange = kept](const Result<std::string>& body) {
    exchange->respond(200, "text/plain", body.ok() ? std::to_string(body->size()) : "error");
  });
  kept.reset();
  client.send(std::string_view(big).substr(sent));
  EXPECT_TRUE(client.receive_response().ends_with(std::to_string(big.size())));
}

TEST(Server, port_taken_says_what_to_do) {
  TestServer server(echo);
  LambdaHandler handler(echo);
  const auto second = Server::listen({.port = server.port()}, handler);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().kind(), ErrorKind::already_exists);
  EXPECT_NE(second.error().message().find("--port"), std::string::npos);
}

TEST(Server, address_of_another_machine_is_refused) {
  LambdaHandler handler(echo);
  const auto server = Server::listen({.host = "192.0.2.1"}, handler);
  ASSERT_FALSE(server.ok());
  EXPECT_EQ(server.error().kind(), ErrorKind::invalid_argument);
}

TEST(Server, listens_on_ipv6_literals) {
  LambdaHandler handler(echo);
  for (const char* host : {"::1", "[::1]"}) {
    auto server = Server::listen({.host = host}, handler);
    if (!server.ok() && server.error().kind() == ErrorKind::invalid_argument)
      GTEST_SKIP() << "no IPv6";
    ASSERT_TRUE(server.ok()) << server.error().describe();
    std::string text;
    const auto network = make_client({});
    const auto fetched = network->fetch(
        {.url = "http://[::1]:" + std::to_string((*server)->port()) + "/six"}, {},
        [](const FetchHead&) { return Result<>(); },
        [&](ByteView bytes) {
          text += as_text(bytes);
          return Result<>();
        });
    EXPECT_TRUE(fetched.ok());
    EXPECT_TRUE(text.starts_with("GET /six host=[::1]:")) << text;
  }
}

TEST(Server, drain_lets_streams_end) {
  std::shared_ptr<Exchange> kept;
  std::atomic<bool> here{false};
  TestServer server([&](const std::shared_ptr<Exchange>& exchange) {
    exchange->send_head(200, {});
    exchange->send_body(to_buffer("begin "), nullptr);
    kept = exchange;
    here = true;
  });
  RawClient idle(server.port());
  RawClient client(server.port());
  client.send(kGet);
  ASSERT_TRUE(eventually([&] { return here.load(); }));
  std::jthread drainer([&] { server.server().drain(Deadline::in(std::chrono::seconds(10))); });
  EXPECT_TRUE(idle.closed_within(milliseconds(2000)));
  std::this_thread::sleep_for(milliseconds(50));
  kept->send_body(to_buffer("end"), nullptr);
  kept->finish();
  kept.reset();
  EXPECT_TRUE(client.receive_all().ends_with("6\r\nbegin \r\n3\r\nend\r\n0\r\n\r\n"));
}

TEST(Server, drain_ends_at_its_deadline) {
  std::shared_ptr<Exchange> kept;
  std::atomic<bool> gone{false};
  TestServer server([&](const std::shared_ptr<Exchange>& exchange) {
    exchange->on_gone([&] { gone = true; });
    kept = exchange;
  });
  RawClient client(server.port());
  client.send(kGet);
  ASSERT_TRUE(eventually([&] { return server.server().connections() == 1; }));
  std::this_thread::sleep_for(milliseconds(50));
  const auto begin = std::chrono::steady_clock::now();
  server.server().drain(Deadline::in(milliseconds(100)));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
  EXPECT_TRUE(gone);
  server.stop();
  // The handler still holds the exchange; its calls find an end and not a dead server.
  bool told = false;
  kept->send_head(200, {});
  kept->send_body(to_buffer("late"), [&](const Result<>& sent) {
    told = true;
    EXPECT_EQ(sent.error().kind(), ErrorKind::unavailable);
  });
  EXPECT_TRUE(told);
}

}  // namespace
}  // namespace quern::http::test
