// The download client against our own server and against peers that misbehave.
#include "http/test_support.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <thread>

namespace quern::http::test {
namespace {

// A fetch and all that came of it.
struct Fetched {
  Result<> result;
  FetchHead head;
  std::string body;
  int heads = 0;

  ErrorKind kind() const { return result.ok() ? ErrorKind::internal : result.error().kind(); }
  std::string why() const { return result.ok() ? "ok" : result.error().describe(); }
};

Fetched fetch(Network& network, FetchRequest request, const std::stop_token& stop = {}) {
  Fetched fetched;
  fetched.result = network.fetch(
      request, stop,
      [&](const FetchHead& head) {
        fetched.head = head;
        ++fetched.heads;
        return Result<>();
      },
      [&](ByteView bytes) {
        fetched.body += as_text(bytes);
        return Result<>();
      });
  return fetched;
}

Fetched fetch(const std::string& url, ClientOptions options = {}) {
  return fetch(*make_client(std::move(options)), {.url = url});
}

// One answer to whoever asks.
ScriptedPeer::Serve answers(std::string response) {
  return [response = std::move(response)](int socket, int) {
    ScriptedPeer::read_head(socket);
    ScriptedPeer::write(socket, response);
  };
}

Result<SendAnswer> send(SendRequest request, std::string body = {}) {
  request.body_bytes = body.size();
  request.body = [body, at = std::size_t{0}]() mutable -> Result<Buffer> {
    const std::string piece = body.substr(at, 1000);
    at += piece.size();
    return to_buffer(piece);
  };
  return make_client({})->send(request, {});
}

TEST(Client, sends_a_body_and_takes_any_answer) {
  TestServer server([](const std::shared_ptr<Exchange>& exchange) {
    read_all(exchange, [exchange](Result<std::string> body) {
      exchange->respond(404, "text/x", exchange->request().method + " " + *body,
                        {{"location", "/there"},
                         {"www-authenticate", "Basic realm=\"x\""},
                         {"retry-after", "7"}});
    });
  });
  const std::string body(10'000, 'b');
  const auto answer = send({.method = "PUT", .url = server.url("/")}, body);
  ASSERT_TRUE(answer.ok()) << answer.error().describe();
  EXPECT_EQ(answer->status, 404);
  EXPECT_EQ(answer->body, "PUT " + body);
  EXPECT_EQ(answer->location, "/there");
  EXPECT_EQ(answer->authenticate, "Basic realm=\"x\"");
  EXPECT_EQ(answer->retry_after, "7");
  EXPECT_EQ(answer->content_type, "text/x");
  const auto head = send({.method = "HEAD", .url = server.url("/")});
  ASSERT_TRUE(head.ok()) << head.error().describe();
  EXPECT_EQ(head->status, 404);
  EXPECT_EQ(head->body, "");
  const auto large =
      send({.method = "POST", .url = server.url("/"), .largest_answer = 1_KiB}, body);
  EXPECT_EQ(large.error().kind(), ErrorKind::resource_exhausted);
}

TEST(Client, only_what_asks_follows_redirects) {
  TestServer server([](const std::shared_ptr<Exchange>& exchange) {
    if (exchange->request().target == "/there") return exchange->respond(200, "text/x", "there");
    exchange->respond(307, "text/x", "", {{"location", "/there"}});
  });
  EXPECT_EQ(send({.method = "GET", .url = server.url("/")})->body, "there");
  EXPECT_EQ(send({.method = "HEAD", .url = server.url("/")})->status, 200);
  EXPECT_EQ(send({.method = "PUT", .url = server.url("/")}, "x")->status, 307);
}

TEST(Client, a_server_that_does_not_want_the_body_is_heard) {
  ScriptedPeer peer([](int socket, int) {
    ScriptedPeer::read_head(socket);
    ScriptedPeer::write(socket, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
  });
  const auto answer = send({.method = "PUT", .url = peer.url("/")}, std::string(1000, 'x'));
  ASSERT_TRUE(answer.ok()) << answer.error().describe();
  EXPECT_EQ(answer->status, 413);
}

TEST(Client, a_body_that_ends_early_is_an_error_here) {
  TestServer server(echo);
  SendRequest request{.method = "PUT", .url = server.url("/"), .body_bytes = 10};
  request.body = []() -> Result<Buffer> { return Buffer(); };
  EXPECT_EQ(make_client({})->send(request, {}).error().kind(), ErrorKind::corrupt_data);
}

TEST(Client, fetches_with_length_and_in_chunks) {
  TestServer server([](const std::shared_ptr<Exchange>& exchange) {
    if (exchange->request().target == "/length") return exchange->respond(200, "text/x", "body");
    exchange->send_head(200, {});
    exchange->send_body(to_buffer("in "), [exchange](const Result<>&) {
      exchange->send_body(to_buffer("chunks"), [exchange](const Result<>&) { exchange->finish(); });
    });
  });
  const Fetched length = fetch(server.url("/length"));
  EXPECT_TRUE(length.result.ok()) << length.why();
  EXPECT_EQ(length.body, "body");
  EXPECT_EQ(length.head.total, 4U);
  EXPECT_EQ(length.head.content_type, "text/x");
  EXPECT_EQ(length.head.url, server.url("/length"));
  const Fetched chunks = fetch(server.url("/chunks"));
  EXPECT_EQ(chunks.body, "in chunks");
  EXPECT_FALSE(chunks.head.total.has_value());
}

TEST(Client, fetches_megabytes_unharmed) {
  std::string big;
  for (int i = 0; big.size() < 5'000'000; ++i) big += std::to_string(i) + ",";
  TestServer server(
      [&](const std::shared_ptr<Exchange>& e) { e->respond(200, "text/plain", big); });
  EXPECT_EQ(fetch(server.url("/")).body, big);
}

TEST(Client, sends_headers_and_host) {
  TestServer server([](const std::shared_ptr<Exchange>& exchange) {
    std::string text = "host=" + exchange->request().authority;
    for (const auto& [name, value] : exchange->request().headers) {
      if (name == "x-key") text += " key=" + value;
    }
    exchange->respond(200, "text/plain", text);
  });
  const auto client = make_client({});
  const Fetched fetched = fetch(*client, {.url = server.url("/"), .headers = {{"X-Key", "k"}}});
  EXPECT_EQ(fetched.body, "host=127.0.0.1:" + std::to_string(server.port()) + " key=k");
  const Fetched split = fetch(*client, {.url = server.url("/"), .headers = {{"X", "a\r\nY: b"}}});
  EXPECT_EQ(split.kind(), ErrorKind::invalid_argument);
}

TEST(Client, statuses_become_kinds) {
  TestServer server([](const std::shared_ptr<Exchange>& exchange) {
    const std::string target = exchange->request().target.substr(1);
    exchange->respond(static_cast<std::uint16_t>(std::stoi(target)), "text/plain", "no");
  });
  const std::vector<std::pair<std::string, ErrorKind>> table = {
      {"404", ErrorKind::not_found},         {"401", ErrorKind::permission_denied},
      {"403", ErrorKind::permission_denied}, {"429", ErrorKind::unavailable},
      {"500", ErrorKind::unavailable},       {"503", ErrorKind::unavailable},
      {"416", ErrorKind::invalid_argument},  {"400", ErrorKind::invalid_argument}};
  for (const auto& [status, kind] : table) {
    const Fetched fetched = fetch(server.url("/" + status));
    EXPECT_EQ(fetched.kind(), kind) << status << ": " << fetched.why();
    EXPECT_EQ(fetched.heads, 0);
    EXPECT_NE(fetched.why().find(status), std::string::npos);
  }
}

TEST(Client, follows_redirects_of_all_forms) {
  TestServer server([](const std::shared_ptr<Exchange>& exchange) {
    const std::string& target = exchange->request().target;
    const std::string host = exchange->request().authority;
    const auto to = [&](std::uint16_t status, const std::string& where) {
      exchange->respond(status, "text/plain", "elsewhere", {{"location", where}});
    };
    if (target == "/a/1") return to(301, "/a/2");
    if (target == "/a/2") return to(302, "3?q=1");
    if (target == "/a/3?q=1") return to(307, "?q=2");
    if (target == "/a/3?q=2") return to(308, "//" + host + "/a/4");
    if (target == "/a/4") return to(303, "http://" + host + "/end#part");
    exchange->respond(200, "text/plain", target);
  });
  const Fetched fetched = fetch(server.url("/a/1"));
  EXPECT_EQ(fetched.body, "/end") << fetched.why();
  EXPECT_EQ(fetched.head.url, server.url("/end"));
  EXPECT_EQ(fetched.heads, 1);
}

TEST(Client, gives_up_on_a_redirect_loop) {
  std::atomic<int> requests{0};
  TestServer server([&](const std::shared_ptr<Exchange>& exchange) {
    ++requests;
    exchange->respond(302, "text/plain", "", {{"location", "/again"}});
  });
  const Fetched fetched = fetch(server.url("/"), {.max_redirects = 3});
  EXPECT_EQ(fetched.kind(), ErrorKind::unavailable);
  EXPECT_EQ(requests, 4);
}

TEST(Client, does_not_carry_secrets_to_another_origin) {
  std::string seen = "nothing";
  TestServer other([&](const std::shared_ptr<Exchange>& exchange) {
    seen.clear();
    for (const auto& [name, value] : exchange->request().headers) seen += name + " ";
    exchange->respond(200, "text/plain", "");
  });
  TestServer server([&](const std::shared_ptr<Exchange>& exchange) {
    exchange->respond(302, "text/plain", "", {{"location", other.url("/")}});
  });
  const auto client = make_client({});
  const Fetched fetched = fetch(
      *client, {.url = server.url("/"), .headers = {{"Authorization", "secret"}, {"X-Kept", "1"}}});
  EXPECT_TRUE(fetched.result.ok());
  EXPECT_EQ(seen.find("authorization"), std::string::npos);
  EXPECT_NE(seen.find("x-kept"), std::string::npos);
}

TEST(Client, resumes_where_it_was) {
  const std::string whole = "0123456789";
  TestServer server([&](const std::shared_ptr<Exchange>& exchange) {
    for (const auto& [name, value] : exchange->request().headers) {
      if (name != "range") continue;
      const std::size_t begin = std::stoul(value.substr(6));
      return exchange->respond(206, "text/plain", whole.substr(begin),
                               {{"content-range", "bytes " + std::to_string(begin) + "-9/10"}});
    }
    exchange->respond(200, "text/plain", whole);
  });
  const auto client = make_client({});
  const Fetched rest = fetch(*client, {.url = server.url("/"), .offset = 4});
  EXPECT_EQ(rest.body, "456789") << rest.why();
  EXPECT_EQ(rest.head.offset, 4U);
  EXPECT_EQ(rest.head.total, 10U);
}

TEST(Client, says_so_when_the_server_ignores_the_range) {
  TestServer server(
      [](const std::shared_ptr<Exchange>& e) { e->respond(200, "text/plain", "all"); });
  const auto client = make_client({});
  const Fetched fetched = fetch(*client, {.url = server.url("/"), .offset = 2});
  EXPECT_EQ(fetched.head.offset, 0U);
  EXPECT_EQ(fetched.head.total, 3U);
  EXPECT_EQ(fetched.body, "all");
}

TEST(Client, refuses_another_part_than_it_asked_for) {
  for (const char* range : {"bytes 0-9/10", "bytes x-9/10", "bytes 4-9", "lines 4-9/10", ""}) {
    ScriptedPeer peer(answers("HTTP/1.1 206 P\r\nContent-Length: 1\r\nContent-Range: " +
                              std::string(range) + "\r\n\r\nx"));
    const auto client = make_client({});
    const Fetched fetched = fetch(*client, {.url = peer.url("/"), .offset = 4});
    EXPECT_EQ(fetched.kind(), ErrorKind::corrupt_data) << range;
  }
}

TEST(Client, notices_truncated_bodies) {
  for (const char* response : {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
                               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
                               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
                               "HTTP/1.1 200 OK\r\nCont", ""}) {
    ScriptedPeer peer(answers(response));
    const Fetched fetched = fetch(peer.url("/"));
    EXPECT_EQ(fetched.kind(), ErrorKind::unavailable) << response << fetched.why();
  }
}

TEST(Client, reads_to_the_end_where_no_length_is_told) {
  ScriptedPeer peer(answers("HTTP/1.0 200 OK\r\n\r\nuntil the end"));
  EXPECT_EQ(fetch(peer.url("/")).body, "until the end");
}

TEST(Client, skips_interim_answers) {
  ScriptedPeer peer(
      answers("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 C\r\n\r\n"
              "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"));
  EXPECT_EQ(fetch(peer.url("/")).body, "hi");
}

TEST(Client, refuses_what_is_not_http) {
  const std::string endless_field = "HTTP/1.1 200 OK\r\nX: " + std::string(200'000, 'x');
  for (const std::string& response :
       {std::string("SSH-2.0-OpenSSH\r\n\r\n"), endless_field,
        std::string("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")}) {
    ScriptedPeer peer(answers(response));
    const Fetched fetched = fetch(peer.url("/"));
    EXPECT_EQ(fetched.kind(), ErrorKind::corrupt_data) << fetched.why();
  }
}

TEST(Client, a_silent_server_is_a_deadline) {
  ScriptedPeer peer([](int, int) { std::this_thread::sleep_for(milliseconds(600)); });
  const Fetched fetched = fetch(peer.url("/"), {.read_timeout = milliseconds(150)});
  EXPECT_EQ(fetched.kind(), ErrorKind::deadline_exceeded) << fetched.why();
}

TEST(Client, stops_within_a_tenth_of_a_second) {
  ScriptedPeer peer([](int, int) { std::this_thread::sleep_for(milliseconds(800)); });
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(milliseconds(100));
    stop.request_stop();
  });
  const auto begin = std::chrono::steady_clock::now();
  const Fetched fetched = fetch(*make_client({}), {.url = peer.url("/")}, stop.get_token());
  EXPECT_EQ(fetched.kind(), ErrorKind::cancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(500));
}

TEST(Client, an_error_of_the_callbacks_ends_the_fetch) {
  TestServer server([](const std::shared_ptr<Exchange>& e) { e->respond(200, "text/plain", "x"); });
  const auto client = make_client({});
  const auto full = [](ByteView) -> Result<> {
    return fail(ErrorKind::resource_exhausted, "full");
  };
  const auto fine = [](const FetchHead&) { return Result<>(); };
  const auto ended = client->fetch({.url = server.url("/")}, {}, fine, full);
  EXPECT_EQ(ended.error().kind(), ErrorKind::resource_exhausted);
  const auto not_wanted = [](const FetchHead&) -> Result<> {
    return fail(ErrorKind::cancelled, "no");
  };
  const auto refused = client->fetch({.url = server.url("/")}, {}, not_wanted, full);
  EXPECT_EQ(refused.error().kind(), ErrorKind::cancelled);
}

TEST(Client, nobody_there_is_unavailable) {
  std::uint16_t port = 0;
  {
    TestServer server(echo);
    port = server.port();
  }
  EXPECT_EQ(fetch("http://127.0.0.1:" + std::to_string(port) + "/").kind(), ErrorKind::unavailable);
  EXPECT_EQ(fetch("http://no-such-host.invalid/").kind(), ErrorKind::unavailable);
}

TEST(Client, refuses_what_is_not_a_url) {
  for (const char* url :
       {"", "x", "ftp://x/", "http://", "http://u:p@x/", "http://x:99999/", "http://x/a b",
        "http://x/\r\nEvil: 1", "http://[::1", "file:///etc/passwd"}) {
    EXPECT_EQ(fetch(url).kind(), ErrorKind::invalid_argument) << url;
  }
}

class Tls : public ::testing::Test {
 protected:
  TempFolder folder_;
  TlsFiles files_ = make_certificate(folder_.path(), "localhost");
};

TEST_F(Tls, is_served_and_verified) {
  TestServer server(echo, {.tls = files_});
  const Fetched fetched = fetch(server.url("/x", true), {.ca_file = files_.certificate});
  EXPECT_TRUE(fetched.body.starts_with("GET /x host=localhost:")) << fetched.why();
}

TEST_F(Tls, carries_large_bodies) {
  const std::string big(3'000'000, 'y');
  TestServer server([&](const std::shared_ptr<Exchange>& e) { e->respond(200, "text/plain", big); },
                    {.tls = files_});
  EXPECT_EQ(fetch(server.url("/", true), {.ca_file = files_.certificate}).body, big);
}

TEST_F(Tls, refuses_a_certificate_of_nobody_it_knows) {
  TestServer server(echo, {.tls = files_});
  const TlsFiles other = make_certificate(folder_.path(), "other");
  const Fetched fetched = fetch(server.url("/", true), {.ca_file = other.certificate});
  EXPECT_EQ(fetched.kind(), ErrorKind::unavailable);
  EXPECT_NE(fetched.why().find("not trusted"), std::string::npos) << fetched.why();
}

TEST_F(Tls, refuses_a_certificate_for_another_host) {
  const TlsFiles other = make_certificate(folder_.path(), "other.example");
  TestServer server(echo, {.tls = other});
  const Fetched fetched = fetch(server.url("/", true), {.ca_file = other.certificate});
  EXPECT_EQ(fetched.kind(), ErrorKind::unavailable);
  EXPECT_NE(fetched.why().find("mismatch"), std::string::npos) << fetched.why();
  const std::string by_number = "https://127.0.0.1:" + std::to_string(server.port()) + "/";
  EXPECT_FALSE(fetch(by_number, {.ca_file = other.certificate}).result.ok());
}

TEST_F(Tls, never_follows_a_redirect_to_http) {
  TestServer plain(echo);
  TestServer server(
      [&](const std::shared_ptr<Exchange>& exchange) {
        exchange->respond(302, "text/plain", "", {{"location", plain.url("/")}});
      },
      {.tls = files_});
  const Fetched fetched = fetch(server.url("/", true), {.ca_file = files_.certificate});
  EXPECT_EQ(fetched.kind(), ErrorKind::permission_denied) << fetched.why();
}

TEST_F(Tls, a_plain_request_to_it_does_not_hang) {
  TestServer server(echo, {.header_timeout = milliseconds(200), .tls = files_});
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(client.closed_within(milliseconds(3000)));
  RawClient silent(server.port());
  EXPECT_TRUE(silent.closed_within(milliseconds(3000)));
}

TEST_F(Tls, files_that_do_not_do_are_named) {
  LambdaHandler handler(echo);
  const auto problem = [&](const TlsFiles& files) {
    const auto server = Server::listen({.tls = files}, handler);
    return server.ok() ? Error(ErrorKind::internal, "served") : server.error();
  };
  const auto missing = folder_.path() / "missing.pem";
  EXPECT_EQ(problem({missing, files_.key}).kind(), ErrorKind::not_found);
  EXPECT_NE(problem({missing, files_.key}).message().find("missing.pem"), std::string::npos);
  EXPECT_EQ(problem({files_.key, files_.key}).kind(), ErrorKind::invalid_argument);
  const TlsFiles other = make_certificate(folder_.path(), "other");
  EXPECT_EQ(problem({files_.certificate, other.key}).kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(fetch("https://localhost:1/", {.ca_file = missing}).kind(), ErrorKind::unavailable);
}

// Sets environment variables while it lives. The tests that use it start no other threads first.
class Environment {
 public:
  using Values = std::vector<std::pair<const char*, std::string>>;
  explicit Environment(Values values) {
    for (const char* name : kProxyNames) values_.emplace_back(name, "");
    for (auto& [name, value] : values) {
      ::setenv(name, value.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
    }
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() {
    for (const auto& [name, value] : values_) ::unsetenv(name);  // NOLINT(concurrency-mt-unsafe)
  }

 private:
  static constexpr std::array kProxyNames = {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"};
  std::vector<std::pair<const char*, std::string>> values_;
};

TEST(Proxies, http_goes_there_with_the_whole_url) {
  std::string head;
  ScriptedPeer proxy([&](int socket, int) {
    head = ScriptedPeer::read_head(socket);
    ScriptedPeer::write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nvia");
  });
  const Environment environment(Environment::Values{
      {"HTTP_PROXY", "http://us%40er:pw@127.0.0.1:" + std::to_string(proxy.port())},
      {"NO_PROXY", "localhost, .internal.example,127.0.0.1"}});
  EXPECT_EQ(fetch("http://far.example/x?y").body, "via");
  EXPECT_TRUE(head.starts_with("GET http://far.example/x?y HTTP/1.1\r\nHost: far.example\r\n"))
      << head;
  EXPECT_NE(head.find("Proxy-Authorization: Basic dXNAZXI6cHc=\r\n"), std::string::npos) << head;
  TestServer server(echo);
  EXPECT_TRUE(fetch(server.url("/direct")).body.starts_with("GET /direct"));
}

TEST(Proxies, https_goes_through_a_tunnel) {
  TempFolder folder;
  const TlsFiles files = make_certificate(folder.path(), "far.example");
  TestServer server(echo, {.tls = files});
  std::string head;
  ScriptedPeer proxy([&](int socket, int) {
    head = ScriptedPeer::read_head(socket);
    RawClient far(server.port());
    ScriptedPeer::write(socket, "HTTP/1.1 200 Connection established\r\n\r\n");
    relay(socket, far.fd());
  });
  const Environment environment(
      Environment::Values{{"HTTPS_PROXY", "127.0.0.1:" + std::to_string(proxy.port())}});
  const Fetched fetched = fetch("https://far.example/x", {.ca_file = files.certificate});
  EXPECT_EQ(fetched.body, "GET /x host=far.example body=\n") << fetched.why();
  EXPECT_TRUE(head.starts_with("CONNECT far.example:443 HTTP/1.1\r\n")) << head;
}

TEST(Proxies, a_proxy_that_refuses_is_named) {
  ScriptedPeer proxy(answers("HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n"));
  const Environment environment(
      Environment::Values{{"HTTPS_PROXY", "http://127.0.0.1:" + std::to_string(proxy.port())}});
  const Fetched fetched = fetch("https://far.example/");
  EXPECT_EQ(fetched.kind(), ErrorKind::permission_denied);
  EXPECT_NE(fetched.why().find("proxy"), std::string::npos) << fetched.why();
}

TEST(Proxies, other_kinds_are_unsupported) {
  const Environment environment(Environment::Values{{"HTTPS_PROXY", "socks5://127.0.0.1:1"}});
  EXPECT_EQ(fetch("https://far.example/").kind(), ErrorKind::unsupported);
}

}  // namespace
}  // namespace quern::http::test
