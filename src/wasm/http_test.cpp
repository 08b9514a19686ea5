// Requests through a guest: streaming both ways, back-pressure, and every way to go wrong.
#include "wasm/test_support.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <condition_variable>

namespace quern::wasm {
namespace {

using namespace testing;

// Keeps the whole response; `hold` keeps back each chunk's `taken` until release().
class Response final : public HttpResponseSink {
 public:
  enum class Taking : std::uint8_t { at_once, by_hand };
  explicit Response(Taking taking = Taking::at_once) : taking_(taking) {}

  void head(std::uint16_t status, HttpHeaders headers) override {
    const std::lock_guard lock(mutex_);
    status_ = status;
    headers_ = std::move(headers);
    changed_.notify_all();
  }
  void body(Buffer chunk, std::function<void()> taken) override {
    {
      const std::lock_guard lock(mutex_);
      body_ += as_text(chunk);
      ++chunks_;
      if (taking_ == Taking::by_hand) taken_ = std::move(taken);
      changed_.notify_all();
    }
    if (taken) taken();
  }
  void end() override { finish(std::nullopt); }
  void fail(Error error) override { finish(std::move(error)); }

  // Each waits at most ten seconds.
  bool wait_end() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return ended_; });
  }
  bool wait_body(std::string_view text) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return body_.ends_with(text); });
  }
  void release() {
    std::function<void()> taken;
    {
      const std::lock_guard lock(mutex_);
      taken.swap(taken_);
    }
    if (taken) taken();
  }

  std::uint16_t status() const { return locked(status_); }
  std::string body_text() const { return locked(body_); }
  std::size_t chunks() const { return locked(chunks_); }
  bool ended() const { return locked(ended_); }
  std::optional<Error> error() const { return locked(error_); }

 private:
  template <class T>
  T locked(const T& member) const {
    const std::lock_guard lock(mutex_);
    return member;
  }
  void finish(std::optional<Error> error) {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(ended_) << "ended twice";
    ended_ = true;
    error_ = std::move(error);
    changed_.notify_all();
  }

  Taking taking_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint16_t status_ = 0;
  HttpHeaders headers_;
  std::string body_;
  std::size_t chunks_ = 0;
  bool ended_ = false;
  std::optional<Error> error_;
  std::function<void()> taken_;
};

class HttpTest : public ::testing::Test {
 protected:
  std::unique_ptr<HttpExchange> send(std::string target, std::shared_ptr<Response> response,
                                     Sandbox sandbox = {}, bool has_body = false) {
    HttpRequest request{.method = has_body ? "POST" : "GET",
                        .scheme = "http",
                        .authority = "localhost:8080",
                        .target = std::move(target),
                        .headers = {{"accept", "text/plain"}},
                        .has_body = has_body};
    return linked_->handle(std::move(sandbox), std::move(request), std::move(response));
  }
  std::shared_ptr<Response> ask(std::string target, Sandbox sandbox = {}) {
    auto response = std::make_shared<Response>();
    const auto exchange = send(std::move(target), response, std::move(sandbox));
    EXPECT_TRUE(response->wait_end());
    return response;
  }
  void expect_failure(const std::shared_ptr<Response>& response, ErrorKind kind,
                      std::string_view part) {
    ASSERT_TRUE(response->error().has_value()) << response->body_text();
    EXPECT_EQ(to_string(response->error()->kind()), to_string(kind))
        << response->error()->describe();
    EXPECT_NE(response->error()->message().find(part), std::string::npos)
        << response->error()->describe();
    // The next request is served all the same.
    EXPECT_EQ(ask("/hello")->body_text(), "hello");
  }

  std::shared_ptr<TestHost> host_ = std::make_shared<TestHost>();
  std::shared_ptr<Linked> linked_ = link_guest("hostile", host_->imports());
};

TEST_F(HttpTest, AnswersARequest) {
  const auto response = ask("/hello");
  EXPECT_FALSE(response->error().has_value());
  EXPECT_EQ(response->status(), 200);
  EXPECT_EQ(response->body_text(), "hello");
  EXPECT_EQ(ask("/nonsense")->status(), 404);
}

TEST_F(HttpTest, StreamsBothWaysPieceByPiece) {
  const auto response = std::make_shared<Response>();
  const auto exchange = send("/echo", response, {}, true);
  for (const char* piece : {"one ", "two ", "three"}) {
    std::promise<void> taken;
    exchange->push_body(to_buffer(piece), [&] { taken.set_value(); });
    ASSERT_EQ(taken.get_future().wait_for(10s), std::future_status::ready);
    ASSERT_TRUE(response->wait_body(piece));  // it comes back before the next is sent
  }
  EXPECT_FALSE(response->ended());
  exchange->end_body();
  ASSERT_TRUE(response->wait_end());
  EXPECT_FALSE(response->error().has_value());
  EXPECT_EQ(response->body_text(), "one two three");
}

TEST_F(HttpTest, ABodyBrokenOffIsAnErrorInTheGuest) {
  const auto response = std::make_shared<Response>();
  const auto exchange = send("/echo", response, {}, true);
  exchange->push_body(to_buffer("start "), [] {});
  ASSERT_TRUE(response->wait_body("start "));
  exchange->abort_body();
  ASSERT_TRUE(response->wait_end());
  EXPECT_EQ(response->body_text(), "start <broken>");
}

TEST_F(HttpTest, ABodyThatNobodyReadsIsTaken) {
  const auto response = std::make_shared<Response>();
  const auto exchange = send("/hello", response, {}, true);
  ASSERT_TRUE(response->wait_end());
  for (int i = 0; i < 3; ++i) {
    std::promise<void> taken;
    exchange->push_body(to_buffer("unread"), [&] { taken.set_value(); });
    ASSERT_EQ(taken.get_future().wait_for(10s), std::future_status::ready);
  }
}

TEST_F(HttpTest, BackPressureStopsTheGuest) {
  const auto response = std::make_shared<Response>(Response::Taking::by_hand);
  const auto exchange = send("/endless", response);
  ASSERT_TRUE(eventually([&] { return response->chunks() == 1; }));
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(response->chunks(), 1U);
  response->release();
  ASSERT_TRUE(eventually([&] { return response->chunks() == 2; }));
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(response->chunks(), 2U);
}

TEST_F(HttpTest, EveryWrongEndHasAName) {
  expect_failure(ask("/silent"), ErrorKind::guest_trap, "without a response");
  expect_failure(ask("/trap"), ErrorKind::guest_trap, "unreachable");
  const auto half = ask("/half");
  EXPECT_EQ(half->status(), 200);
  expect_failure(half, ErrorKind::guest_trap, "unreachable");
  const auto unfinished = ask("/unfinished");
  EXPECT_EQ(unfinished->body_text(), "unfinished");
  expect_failure(unfinished, ErrorKind::guest_trap, "broke its response off");
  expect_failure(ask("/loop", {.limits = {.cpu = 100ms}}), ErrorKind::deadline_exceeded,
                 "CPU time");
  expect_failure(ask("/never", {.limits = {.wall = 100ms}}), ErrorKind::deadline_exceeded,
                 "wall clock");
  expect_failure(ask("/sleep", {.limits = {.wall = 100ms}}), ErrorKind::deadline_exceeded,
                 "wall clock");
}

TEST_F(HttpTest, TheHealthyAreServedWhileOthersHang) {
  std::vector<std::shared_ptr<Response>> responses;
  std::vector<std::unique_ptr<HttpExchange>> hanging;
  for (int i = 0; i < 20; ++i) {
    responses.push_back(std::make_shared<Response>());
    hanging.push_back(send(i % 2 == 0 ? "/never" : "/loop", responses.back()));
  }
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask("/hello")->body_text(), "hello");
  hanging.clear();
  for (const auto& response : responses) {
    ASSERT_TRUE(response->wait_end());
    EXPECT_EQ(response->error()->kind(), ErrorKind::cancelled);
  }
}

TEST_F(HttpTest, AClientThatGoesAwayEndsTheGuest) {
  const auto response = std::make_shared<Response>(Response::Taking::by_hand);
  auto exchange = send("/endless", response);
  ASSERT_TRUE(eventually([&] { return response->chunks() == 1; }));
  exchange.reset();
  ASSERT_TRUE(response->wait_end());
  EXPECT_EQ(response->error()->kind(), ErrorKind::cancelled);
  EXPECT_TRUE(eventually([] { return shared_engine().live_instances() == 0; }));
}

TEST_F(HttpTest, CancellingCarriesItsReason) {
  const auto response = std::make_shared<Response>();
  const auto exchange = send("/never", response);
  exchange->cancel(Error(ErrorKind::unavailable, "the server is going down"));
  ASSERT_TRUE(response->wait_end());
  expect_failure(response, ErrorKind::unavailable, "going down");
}

TEST_F(HttpTest, AGuestMayGoOnAfterItsAnswer) {
  {
    const auto response = ask("/afterwards");  // the exchange is gone when this is back
    EXPECT_EQ(response->body_text(), "done");
  }
  EXPECT_TRUE(eventually([&] { return host_->measured() == 10; }));  // "afterwards"
}

TEST_F(HttpTest, ManyWaitAndAllAreAnswered) {
  std::vector<std::shared_ptr<Response>> responses;
  std::vector<std::unique_ptr<HttpExchange>> exchanges;
  for (int i = 0; i < 50; ++i) {
    responses.push_back(std::make_shared<Response>());
    exchanges.push_back(send("/wait/1", responses.back()));
  }
  ASSERT_TRUE(eventually([&] { return host_->waiting() == 50; }, 30s));
  host_->answer_all(7);
  for (const auto& response : responses) {
    ASSERT_TRUE(response->wait_end());
    EXPECT_EQ(response->body_text(), "7");
  }
}

TEST_F(HttpTest, RefusesARequestThatIsNone) {
  const auto response = std::make_shared<Response>();
  const auto exchange = linked_->handle(
      {}, {.method = "GET", .scheme = "http", .authority = "a", .target = "/\x01", .headers = {}},
      response);
  ASSERT_TRUE(response->wait_end());
  expect_failure(response, ErrorKind::invalid_argument, "request");
}

TEST_F(HttpTest, AModuleServesNothing) {
  const auto response = std::make_shared<Response>();
  const auto exchange = link_guest("healthy")->handle(
      {}, {.method = "GET", .scheme = "http", .authority = "a", .target = "/", .headers = {}},
      response);
  ASSERT_TRUE(response->wait_end());
  expect_failure(response, ErrorKind::unsupported, "serves no HTTP");
}

// ---- the network ------------------------------------------------------------------------------

// Allows what its lists name, and remembers every question.
class Policy final : public NetworkPolicy {
 public:
  Policy(std::string request, std::string socket)
      : request_(std::move(request)), socket_(std::move(socket)) {}
  Result<> allow_request(const OutboundRequest& request) override {
    const std::string question =
        request.method + " " + request.scheme + "://" + request.authority + request.path;
    note(question);
    return answer(request.authority == request_, question);
  }
  Result<> allow_socket(SocketUse, std::string_view address) override {
    const std::string question = "socket " + std::string(address);
    note(question);
    return answer(address == socket_, question);
  }
  void resolved(std::string_view name, const std::vector<std::string>& addresses) override {
    note("resolved " + std::string(name) + " " + addresses.front());
  }
  std::vector<std::string> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  static Result<> answer(bool allowed, const std::string& question) {
    if (allowed) return {};
    return fail(ErrorKind::permission_denied, "not granted: " + question);
  }
  void note(std::string question) {
    const std::lock_guard lock(mutex_);
    asked_.push_back(std::move(question));
  }
  std::string request_;
  std::string socket_;
  mutable std::mutex mutex_;
  std::vector<std::string> asked_;
};

TEST_F(HttpTest, WithoutAPolicyNothingIsReached) {
  EXPECT_EQ(ask("/fetch/localhost:1")->body_text(), "denied");
  for (const char* command : {"connect_denied", "resolve_denied"}) {
    const auto code = run(*linked_, {.args = {"hostile", command}});
    ASSERT_TRUE(code.ok()) << code.error().describe();
    EXPECT_EQ(*code, 0) << command;
  }
}

TEST_F(HttpTest, ThePolicyIsAskedForTheRequestAndForItsAddress) {
  const auto refusing = std::make_shared<Policy>("elsewhere:80", "");
  EXPECT_EQ(ask("/fetch/127.0.0.1:9", {.network = refusing})->body_text(), "denied");
  EXPECT_EQ(refusing->asked(), std::vector<std::string>{"GET http://127.0.0.1:9/greeting"});
  // The name is allowed, but what it stands for is not: no connection.
  const auto rebinding = std::make_shared<Policy>("127.0.0.1:9", "93.184.216.34:9");
  const auto text = ask("/fetch/127.0.0.1:9", {.network = rebinding})->body_text();
  EXPECT_EQ(text.substr(0, 5), "error");
  EXPECT_EQ(rebinding->asked(),
            (std::vector<std::string>{"GET http://127.0.0.1:9/greeting",
                                      "resolved 127.0.0.1 127.0.0.1", "socket 127.0.0.1:9"}));
}

// Accepts one connection on loopback and answers it; the port is the system's choice.
class OneAnswer {
 public:
  OneAnswer() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(socket_, generic, size), 0);
    EXPECT_EQ(::listen(socket_, 1), 0);
    EXPECT_EQ(::getsockname(socket_, generic, &size), 0);
    authority_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::jthread([this] { serve(); });
  }
  OneAnswer(const OneAnswer&) = delete;
  OneAnswer& operator=(const OneAnswer&) = delete;
  ~OneAnswer() { ::close(socket_); }
  const std::string& authority() const { return authority_; }
  std::string request() {
    thread_.join();
    return request_;
  }

 private:
  void serve() {
    const int client = ::accept(socket_, nullptr, nullptr);
    std::array<char, 4096> buffer{};
    while (request_.find("\r\n\r\n") == std::string::npos) {
      const ssize_t count = ::read(client, buffer.data(), buffer.size());
      if (count <= 0) break;
      request_.append(buffer.data(), static_cast<std::size_t>(count));
    }
    constexpr std::string_view kAnswer = "HTTP/1.1 203 X\r\ncontent-length: 2\r\n\r\nok";
    EXPECT_EQ(::write(client, kAnswer.data(), kAnswer.size()),
              static_cast<ssize_t>(kAnswer.size()));
    ::close(client);
  }
  int socket_;
  std::string authority_;
  std::string request_;
  std::jthread thread_;
};

TEST_F(HttpTest, AnAllowedRequestReachesItsServer) {
  OneAnswer server;
  const auto policy = std::make_shared<Policy>(server.authority(), server.authority());
  EXPECT_EQ(ask("/fetch/" + server.authority(), {.network = policy})->body_text(), "status 203");
  const std::string request = server.request();
  EXPECT_EQ(request.substr(0, request.find("\r\n")), "GET /greeting HTTP/1.1");
  EXPECT_NE(request.find("host: " + server.authority()), std::string::npos) << request;
}

TEST_F(HttpTest, ThePolicyIsAskedForSocketsAndNames) {
  const auto policy = std::make_shared<Policy>("", "");
  EXPECT_EQ(*run(*linked_, {.args = {"hostile", "connect_denied"}, .network = policy}), 0);
  EXPECT_EQ(*run(*linked_, {.args = {"hostile", "resolve_denied"}, .network = policy}), 0);
  EXPECT_EQ(policy->asked(),
            (std::vector<std::string>{"socket ", "socket 127.0.0.1:9", "socket localhost"}));
}

TEST_F(HttpTest, ADenialIsToldInTheLogOncePerInstance) {
  const auto policy = std::make_shared<Policy>("", "nothing");
  ::testing::internal::CaptureStderr();
  for (int i = 0; i < 2; ++i) {
    const auto response =
        ask("/fetch-twice/localhost:1", {.network = policy, .log_tag = "[req 7] "});
    EXPECT_EQ(response->body_text(), "denied");
  }
  EXPECT_EQ(*run(*linked_, {.args = {"hostile", "connect_denied"}, .network = policy}), 0);
  const std::string log = ::testing::internal::GetCapturedStderr();
  const std::string_view line = "wasm: [req 7] not granted: GET http://localhost:1/greeting\n";
  std::size_t lines = 0;
  for (std::size_t at = log.find(line); at != std::string::npos; at = log.find(line, at + 1)) {
    ++lines;
  }
  EXPECT_EQ(lines, 2U) << log;
  EXPECT_NE(log.find("wasm: not granted: socket"), std::string::npos) << log;
}

}  // namespace
}  // namespace quern::wasm
