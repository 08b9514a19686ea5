// Each limit of ServerOptions, reached; and clients that go away. After each, the server still
// serves the next client: that is checked by Limited's destructor.
#include "http/test_support.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace quern::http::test {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

class Limited {
 public:
  explicit Limited(ServerOptions options, LambdaHandler::Handle handle = echo)
      : server_(
            [handle](std::shared_ptr<Exchange> exchange) {
              if (exchange->request().target == "/alive") return echo(exchange);
              handle(std::move(exchange));
            },
            std::move(options)) {}
  Limited(const Limited&) = delete;
  Limited& operator=(const Limited&) = delete;
  ~Limited() {
    RawClient client(server_.port());
    client.send("GET /alive HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(client.receive_response().ends_with("GET /alive host=x body=\n"));
  }
  std::uint16_t port() const { return server_.port(); }
  Server& server() { return server_.server(); }

 private:
  TestServer server_;
};

std::string status_of(const std::string& response) {
  return response.size() < 12 ? response : response.substr(9, 3);
}

TEST(Limits, connections_beyond_the_most_are_answered_503) {
  Limited server({.max_connections = 2});
  {
    RawClient first(server.port());
    RawClient second(server.port());
    ASSERT_TRUE(eventually([&] { return server.server().connections() == 2; }));
    RawClient third(server.port());
    third.send(kGet);
    EXPECT_EQ(status_of(third.receive_all()), "503");
    first.send(kGet);
    EXPECT_EQ(status_of(first.receive_response()), "200");
  }
  EXPECT_TRUE(eventually([&] { return server.server().connections() == 0; }));
}

TEST(Limits, headers_beyond_the_most_are_answered_431) {
  Limited server({.max_header = Bytes{2000}});
  RawClient fits(server.port());
  fits.send("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(1900, 'x') + "\r\n\r\n");
  EXPECT_EQ(status_of(fits.receive_response()), "200");
  for (const std::size_t size : {std::size_t{2000}, std::size_t{1'000'000}}) {
    RawClient client(server.port());
    client.send("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(size, 'x'));
    EXPECT_EQ(status_of(client.receive_all()), "431");
  }
  RawClient many(server.port());
  std::string fields;
  for (int i = 0; i < 200; ++i) fields += "A: b\r\n";
  many.send("GET / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n");
  EXPECT_EQ(status_of(many.receive_all()), "431");
}

std::string id_of(const std::string& response) {
  const std::size_t at = response.find("\r\nx-request-id: req_");
  return at == std::string::npos ? "" : response.substr(at + 16, 20);
}

// Also what no handler has seen can be found in the log.
TEST(Limits, every_refusal_has_an_id) {
  std::string seen;
  Limited server({.max_header = Bytes{2000}, .max_body = Bytes{10}},
                 [&](const std::shared_ptr<Exchange>& exchange) {
                   seen = exchange->request().id;
                   read_all(exchange, [](const Result<std::string>&) {});
                 });
  std::string before;
  for (const std::string& request : {"GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(3000, 'x'),
                                     std::string("nonsense\r\n\r\n")}) {
    RawClient client(server.port());
    client.send(request);
    const std::string id = id_of(client.receive_all());
    EXPECT_EQ(id.size(), 20U);
    EXPECT_NE(id, std::exchange(before, id));
  }
  // What came in the handler's time has the id that the handler knows.
  RawClient large(server.port());
  large.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n");
  const std::string refused = large.receive_all();
  EXPECT_EQ(status_of(refused), "413");
  EXPECT_EQ(id_of(refused), seen);
  RawClient fine(server.port());
  fine.send("GET /alive HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(id_of(fine.receive_response()).size(), 20U) << "and an answer that names none";
}

TEST(Limits, targets_beyond_the_most_are_answered_414) {
  Limited server({});
  for (const std::size_t size : {std::size_t{9'000}, std::size_t{100'000}}) {
    RawClient client(server.port());
    client.send("GET /" + std::string(size, 'x'));
    EXPECT_EQ(status_of(client.receive_all()), "414");
  }
}

TEST(Limits, bodies_beyond_the_most_are_answered_413) {
  Limited server({.max_body = Bytes{1000}});
  RawClient fits(server.port());
  fits.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x'));
  EXPECT_EQ(status_of(fits.receive_response()), "200");
  RawClient announced(server.port());
  announced.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n");
  EXPECT_EQ(status_of(announced.receive_all()), "413");
  RawClient absurd(server.port());
  absurd.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551615\r\n\r\n");
  EXPECT_EQ(status_of(absurd.receive_all()), "413");
}

TEST(Limits, chunked_bodies_beyond_the_most_are_answered_413) {
  std::atomic<bool> told{false};
  std::atomic<bool> gone{false};
  Limited server({.max_body = Bytes{1000}}, [&](const std::shared_ptr<Exchange>& exchange) {
    exchange->on_gone([&] { gone = true; });
    read_all(exchange, [&](const Result<std::string>& body) {
      told = !body.ok() && body.error().kind() == ErrorKind::resource_exhausted;
    });
  });
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 11; ++i) client.send("64\r\n" + std::string(100, 'x') + "\r\n");
  EXPECT_EQ(status_of(client.receive_all()), "413");
  EXPECT_TRUE(eventually([&] { return told && gone; }));
}

TEST(Limits, slow_headers_are_answered_408) {
  Limited server({.header_timeout = milliseconds(150)});
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\n");
  for (int i = 0; i < 20; ++i) {  // a field now and then does not win time
    client.send("X: y\r\n");
    std::this_thread::sleep_for(milliseconds(20));
  }
  EXPECT_EQ(status_of(client.receive_all()), "408");
}

TEST(Limits, silent_connections_are_closed) {
  Limited server({.header_timeout = milliseconds(100), .idle_timeout = milliseconds(300)});
  RawClient never_spoke(server.port());
  EXPECT_EQ(never_spoke.receive_all(milliseconds(2000)), "");
  RawClient idle(server.port());
  idle.send(kGet);
  EXPECT_EQ(status_of(idle.receive_response()), "200");
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(idle.closed_within(milliseconds(3000)));
  EXPECT_GT(std::chrono::steady_clock::now() - begin, milliseconds(200));
}

TEST(Limits, slow_bodies_are_answered_408) {
  std::atomic<bool> told{false};
  Limited server({.body_timeout = milliseconds(150)},
                 [&](const std::shared_ptr<Exchange>& exchange) {
                   read_all(exchange, [&, exchange](const Result<std::string>& body) {
                     told = !body.ok() && body.error().kind() == ErrorKind::deadline_exceeded;
                   });
                 });
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(status_of(client.receive_all()), "408");
  EXPECT_TRUE(eventually([&] { return told.load(); }));
}

TEST(Limits, a_body_may_take_long_when_its_pieces_do_not) {
  Limited server({.body_timeout = milliseconds(200)});
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n");
  for (int i = 0; i < 10; ++i) {
    std::this_thread::sleep_for(milliseconds(60));
    client.send("x");
  }
  EXPECT_EQ(status_of(client.receive_response()), "200");
}

// Sends `piece` every 20 ms for at most two seconds; the status that ends it, or "".
std::string upload(std::uint16_t port, std::string_view piece, std::size_t pieces) {
  RawClient client(port);
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " +
              std::to_string(piece.size() * pieces) + "\r\n\r\n");
  for (std::size_t i = 0; i < pieces; ++i) {
    std::this_thread::sleep_for(milliseconds(20));
    client.send_some(piece);
  }
  return status_of(client.receive_all(milliseconds(300)));
}

TEST(Limits, bodies_below_the_least_rate_are_answered_408) {
  Limited server({.body_rate = Bytes{1000}, .body_grace = milliseconds(200)});
  EXPECT_EQ(upload(server.port(), "x", 50), "408");  // 50 bytes a second, always one on its way
  EXPECT_EQ(upload(server.port(), std::string(100, 'x'), 50), "200");
}

TEST(Limits, a_handler_that_reads_slowly_costs_the_client_no_time) {
  Limited server({.body_rate = Bytes{1'000'000}, .body_grace = milliseconds(200)},
                 [](const std::shared_ptr<Exchange>& exchange) {
                   std::thread([exchange] {
                     std::this_thread::sleep_for(milliseconds(600));
                     echo(exchange);
                   }).detach();
                 });
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab");
  EXPECT_EQ(status_of(client.receive_response()), "200");
}

TEST(Limits, a_handler_may_take_longer_than_any_of_these) {
  Limited server({.header_timeout = milliseconds(50),
                  .body_timeout = milliseconds(50),
                  .idle_timeout = milliseconds(50),
                  .write_timeout = milliseconds(50)},
                 [](const std::shared_ptr<Exchange>& exchange) {
                   std::thread([exchange] {
                     std::this_thread::sleep_for(milliseconds(400));
                     exchange->respond(200, "text/plain", "late");
                   }).detach();
                 });
  RawClient client(server.port());
  client.send(kGet);
  EXPECT_TRUE(client.receive_response().ends_with("late"));
}

TEST(Limits, clients_that_do_not_read_are_closed) {
  std::atomic<bool> gone{false};
  std::atomic<bool> refused{false};
  Limited server(
      {.write_timeout = milliseconds(200)}, [&](const std::shared_ptr<Exchange>& exchange) {
        exchange->on_gone([&] { gone = true; });
        exchange->send_head(200, {});
        exchange->send_body(Buffer(std::size_t{8} * 1024 * 1024),
                            [&, exchange](const Result<>& sent) { refused = !sent.ok(); });
      });
  RawClient client(server.port());
  client.set_receive_buffer(4096);
  client.send(kGet);
  EXPECT_TRUE(eventually([&] { return gone && refused; }));
}

// A handler that holds its exchange, as one that waits for a model's tokens does.
struct Waiting {
  std::shared_ptr<Exchange> kept;
  std::atomic<bool> here{false};
  std::atomic<int> gone{0};
  LambdaHandler::Handle handle() {
    return [this](const std::shared_ptr<Exchange>& exchange) {
      exchange->on_gone([this] { ++gone; });
      kept = exchange;
      here = true;
    };
  }
};

TEST(Gone, is_noticed_while_nothing_is_written) {
  for (const bool reset : {false, true}) {
    Waiting waiting;
    Limited server({}, waiting.handle());
    {
      RawClient client(server.port());
      client.send(kGet);
      ASSERT_TRUE(eventually([&] { return waiting.here.load(); }));
      if (reset) client.reset();
    }
    EXPECT_TRUE(eventually([&] { return waiting.gone == 1; }));
    waiting.kept->abort();
    std::atomic<bool> told_again{false};
    waiting.kept->on_gone([&] { told_again = true; });  // over by abort(): not told again
    std::this_thread::sleep_for(milliseconds(20));
    EXPECT_FALSE(told_again);
    waiting.kept.reset();
  }
}

TEST(Gone, a_client_that_only_stops_sending_gets_its_answer) {
  for (const std::string_view more : {"", "GET /alive HTTP/1.1\r\nHost: next\r\n\r\n"}) {
    Waiting waiting;
    Limited server({}, waiting.handle());
    RawClient client(server.port());
    client.send(std::string(kGet) + std::string(more));
    client.shut_write();
    ASSERT_TRUE(eventually([&] { return waiting.here.load(); }));
    std::this_thread::sleep_for(milliseconds(50));
    EXPECT_EQ(waiting.gone, 0);
    waiting.kept->respond(200, "text/plain", "answer");
    waiting.kept.reset();
    const std::string all = client.receive_all();
    EXPECT_TRUE(all.starts_with("HTTP/1.1 200 OK\r\n")) << all;
    EXPECT_TRUE(all.ends_with(more.empty() ? "answer" : "host=next body=\n")) << all;
  }
}

TEST(Gone, a_client_that_stopped_sending_is_asked_whether_it_is_there) {
  Waiting waiting;
  Limited server({}, waiting.handle());
  RawClient client(server.port());
  client.send(kGet);
  client.shut_write();
  constexpr std::string_view kAsked = "HTTP/1.1 102 Processing\r\n\r\n";
  EXPECT_EQ(client.receive_until("\r\n\r\n"), kAsked);
  EXPECT_EQ(waiting.gone, 0);
  waiting.kept->respond(200, "text/plain", "answer");
  waiting.kept.reset();
  EXPECT_TRUE(client.receive_all().ends_with("answer"));
  // HTTP/1.0 knows no interim responses.
  waiting.here = false;
  RawClient old(server.port());
  old.send("GET / HTTP/1.0\r\n\r\n");
  old.shut_write();
  ASSERT_TRUE(eventually([&] { return waiting.here.load(); }));
  std::this_thread::sleep_for(milliseconds(900));
  waiting.kept->respond(200, "text/plain", "answer");
  waiting.kept.reset();
  EXPECT_TRUE(old.receive_all().starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST(Gone, pipelined_bytes_are_kept_meanwhile) {
  Waiting waiting;
  Limited server({}, waiting.handle());
  RawClient client(server.port());
  client.send(kGet);
  ASSERT_TRUE(eventually([&] { return waiting.here.load(); }));
  client.send("GET /alive HTTP/1.1\r\nHost: second\r\n\r\n");
  std::this_thread::sleep_for(milliseconds(30));
  EXPECT_EQ(waiting.gone, 0);
  waiting.kept->respond(200, "text/plain", "first");
  waiting.kept.reset();
  EXPECT_TRUE(client.receive_response().ends_with("first"));
  EXPECT_TRUE(client.receive_response().ends_with("host=second body=\n"));
  EXPECT_EQ(waiting.gone, 0);  // finished before the client went
}

TEST(Gone, a_half_sent_body_is_an_error_of_the_body) {
  std::atomic<bool> told{false};
  Limited server({}, [&](const std::shared_ptr<Exchange>& exchange) {
    read_all(exchange, [&, exchange](const Result<std::string>& body) {
      told = !body.ok() && body.error().kind() == ErrorKind::unavailable;
    });
  });
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  client.shut_write();
  EXPECT_TRUE(eventually([&] { return told.load(); }));
  EXPECT_EQ(client.receive_all(), "");  // and no 500, which would be the handler's fault
}

TEST(Failing, a_handler_that_lets_go_is_answered_500) {
  Limited server({}, [](const std::shared_ptr<Exchange>&) {});
  RawClient client(server.port());
  client.send(kGet);
  EXPECT_EQ(status_of(client.receive_all()), "500");
}

TEST(Failing, a_handler_that_throws_is_answered_500) {
  Limited server({}, [](const std::shared_ptr<Exchange>&) { throw std::runtime_error("oops"); });
  RawClient client(server.port());
  client.send(kGet);
  EXPECT_EQ(status_of(client.receive_all()), "500");
}

TEST(Failing, abort_leaves_a_stream_without_its_end) {
  Limited server({}, [](const std::shared_ptr<Exchange>& exchange) {
    exchange->send_head(200, {});
    exchange->send_body(to_buffer("some"), [exchange](const Result<>&) { exchange->abort(); });
  });
  RawClient client(server.port());
  client.send(kGet);
  EXPECT_TRUE(client.receive_all().ends_with("4\r\nsome\r\n"));
}

TEST(Failing, a_body_that_is_not_as_long_as_promised_breaks_the_connection) {
  for (const std::string_view body : {"short", "much too long"}) {
    Limited server({}, [body](const std::shared_ptr<Exchange>& exchange) {
      exchange->send_head(200, {{"content-length", "10"}});
      exchange->send_body(to_buffer(body), [exchange](const Result<>&) { exchange->finish(); });
    });
    RawClient client(server.port());
    client.send(kGet);
    const std::string response = client.receive_all();
    EXPECT_LT(response.size() - response.find("\r\n\r\n") - 4, 10U);
  }
}

TEST(Failing, a_header_that_would_split_the_response_is_answered_500) {
  for (const char* value : {"a\r\nSet-Cookie: b", "a\nb", "a\rb", "a\x01"}) {
    Limited server({}, [value](const std::shared_ptr<Exchange>& exchange) {
      exchange->respond(200, "text/plain", "x", {{"x-bad", value}});
    });
    RawClient client(server.port());
    client.send(kGet);
    const std::string response = client.receive_all();
    EXPECT_EQ(status_of(response), "500");
    EXPECT_EQ(response.find("Set-Cookie"), std::string::npos);
  }
}

TEST(Failing, the_handler_does_not_choose_the_framing) {
  Limited server({}, [](const std::shared_ptr<Exchange>& exchange) {
    exchange->respond(
        200, "text/plain", "x",
        {{"transfer-encoding", "chunked"}, {"Connection", "close"}, {"upgrade", "h2c"}});
  });
  RawClient client(server.port());
  client.send(kGet);
  const std::string response = client.receive_all();
  EXPECT_EQ(response.find("transfer-encoding"), std::string::npos);
  EXPECT_EQ(response.find("upgrade"), std::string::npos);
  EXPECT_NE(response.find("connection: close\r\n"), std::string::npos);
}

}  // namespace
}  // namespace quern::http::test
