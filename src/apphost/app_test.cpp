#include "apphost/apphost.hpp"
#include "apphost/fake_guest.hpp"
#include "guestapi/fakes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>
#include <utility>

namespace quern::apphost {
namespace {

using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

class AppTest : public ::testing::Test {
 protected:
  static ApiKeys keys() {
    const auto file = std::filesystem::path(::testing::TempDir()) / "app_test_keys";
    std::filesystem::remove(file);
    std::ofstream(file) << "secret alice\n";
    std::filesystem::permissions(file, std::filesystem::perms(0600));
    RealFiles files;
    return ApiKeys::load(file, files).value();
  }
  std::unique_ptr<App> app(ApiKeys with_keys = {}, std::uint32_t max_requests = 1000) {
    return std::make_unique<App>(AppOptions{.name = "demo",
                                            .program = program,
                                            .grants = {.models = {"gemma"}},
                                            .keys = std::move(with_keys),
                                            .open_paths = {"/health"},
                                            .max_requests = max_requests,
                                            .spare_requests = 1,
                                            .max_body_bytes = Bytes{100}},
                                 api);
  }
  // A request with a body of this length, whose bytes do not matter here; or one in chunks.
  std::shared_ptr<FakeExchange> upload(App& to, std::optional<int> length) {
    http::RequestHead head{.method = "POST"};
    if (length) head.headers = {{"content-length", std::to_string(*length)}};
    auto client = exchange(std::move(head), true);
    to.handle(client);
    if (length && client->asked_for_body()) client->send(Buffer());
    return client;
  }
  static std::shared_ptr<FakeExchange> exchange(http::RequestHead head, bool with_body = false) {
    if (head.method.empty()) head.method = "GET";
    if (head.target.empty()) head.target = "/x?secret=1";
    head.authority = "localhost:8080";
    head.peer = "127.0.0.1:5555";
    return std::make_shared<FakeExchange>(std::move(head), with_body);
  }
  // Guests that still run end with their engine, and let go of the answer.
  void TearDown() override {
    for (const std::shared_ptr<FakeGuest>& one : program->guests) std::exchange(one->sink, nullptr);
  }
  FakeGuest& guest(std::size_t index = 0) { return *program->guests.at(index); }
  static wasm::HttpHeaders text() { return {{"content-type", "text/plain"}}; }

  std::shared_ptr<FakeProgram> program = std::make_shared<FakeProgram>();
  std::unique_ptr<inference::Engine> engine = inference::make_fake_engine("gemma", {});
  guestapi::LoadedModels models{*engine};
  guestapi::GuestApi api{models};
};

TEST_F(AppTest, ARequestAndItsResponseStreamThrough) {
  const auto demo = app();
  const auto client = exchange({.method = "POST"}, true);
  demo->handle(client);
  EXPECT_EQ(demo->counts().in_progress, 1U);
  // The body goes in chunk by chunk, each when the guest has taken the last.
  client->send(to_buffer("one "));
  EXPECT_FALSE(client->asked_for_body());
  std::exchange(guest().taken, nullptr)();
  client->send(to_buffer("two"));
  std::exchange(guest().taken, nullptr)();
  client->send(Buffer());
  EXPECT_EQ(guest().body, "one two");
  EXPECT_TRUE(guest().body_ended);
  // The response comes out chunk by chunk, each when the client has taken the last.
  guest().sink->head(200, text());
  bool taken = false;
  guest().sink->body(to_buffer("hello "), [&] { taken = true; });
  EXPECT_FALSE(taken);
  client->read_on();
  EXPECT_TRUE(taken);
  guest().sink->body(to_buffer("world"), [] {});
  guest().sink->end();
  EXPECT_EQ(client->status, 200);
  EXPECT_EQ(client->body, "hello world");
  EXPECT_TRUE(client->finished);
  EXPECT_FALSE(guest().alive);
  const AppCounts counts = demo->counts();
  EXPECT_EQ(counts.requests, 1U);
  EXPECT_EQ(counts.in_progress + counts.failed + counts.refused + counts.abandoned, 0U);
}

TEST_F(AppTest, AGuestMayAnswerBeforeTheCallReturns) {
  program->at_once = [](FakeGuest& each) {
    each.sink->head(204, {});
    each.sink->body(to_buffer("x"), [] {});
    each.sink->end();
  };
  const auto demo = app();
  const auto client = exchange({});
  demo->handle(client);
  EXPECT_EQ(client->status, 204);
  EXPECT_EQ(client->body, "x");
  EXPECT_TRUE(client->finished);
  EXPECT_EQ(demo->counts().in_progress, 0U);
  EXPECT_FALSE(guest().alive);
}

TEST_F(AppTest, TheGuestSeesTheRequestAndNothingOfTheConnection) {
  const auto demo = app();
  demo->handle(exchange({.method = "OPTIONS",
                         .target = "/a?b",
                         .authority = {},
                         .headers = {{"connection", "keep-alive"},
                                     {"host", "localhost:8080"},
                                     {"transfer-encoding", "chunked"},
                                     {"x-request-id", "forged"},
                                     {"authorization", "Bearer own"},
                                     {"accept", "*/*"}},
                         .peer = {},
                         .tls = true}));
  const wasm::HttpRequest& request = guest().request;
  EXPECT_EQ(request.method, "OPTIONS");
  EXPECT_EQ(request.scheme, "https");
  EXPECT_EQ(request.authority, "localhost:8080");
  EXPECT_EQ(request.target, "/a?b");
  EXPECT_THAT(request.headers, Contains(Pair("accept", "*/*")));
  EXPECT_THAT(request.headers, Contains(Pair("authorization", "Bearer own")));
  EXPECT_THAT(request.headers, Contains(Pair("x-request-id", StartsWith("req_"))));
  for (const char* name : {"connection", "host", "transfer-encoding"}) {
    EXPECT_THAT(request.headers, Not(Contains(Key(name))));
  }
}

TEST_F(AppTest, EveryResponseHasOneRequestId) {
  const auto demo = app();
  const auto first = exchange({});
  const auto second = exchange({});
  demo->handle(first);
  demo->handle(second);
  guest(0).sink->head(200, {{"X-Request-Id", "the guest's own"}});
  guest(1).sink->head(200, {});
  EXPECT_THAT(first->header("x-request-id"), StartsWith("req_"));
  EXPECT_EQ(first->header("X-Request-Id"), "");
  EXPECT_NE(first->header("x-request-id"), second->header("x-request-id"));
}

TEST_F(AppTest, WithoutAKeyTheGuestIsNotAsked) {
  const auto demo = app(keys());
  for (const char* value : {"", "Bearer wrong", "Basic secret"}) {
    http::RequestHead head;
    if (*value != '\0') head.headers = {{"authorization", value}};
    const auto client = exchange(head);
    demo->handle(client);
    EXPECT_EQ(client->status, 401) << value;
    EXPECT_EQ(client->header("www-authenticate"), "Bearer");
    EXPECT_THAT(client->body, HasSubstr("\"code\":\"invalid_api_key\""));
    EXPECT_THAT(client->header("x-request-id"), StartsWith("req_"));
    EXPECT_TRUE(client->finished);
  }
  const auto twice = exchange(
      {.headers = {{"authorization", "Bearer wrong"}, {"authorization", "Bearer secret"}}});
  demo->handle(twice);
  EXPECT_EQ(twice->status, 401);
  const auto options = exchange({.method = "OPTIONS", .target = "/v1/chat/completions"});
  demo->handle(options);
  EXPECT_EQ(options->status, 401);
  EXPECT_TRUE(program->guests.empty());
  EXPECT_EQ(demo->counts().refused, 5U);
  EXPECT_EQ(demo->counts().in_progress, 0U);
}

TEST_F(AppTest, WithItsKeyTheGuestIsAskedAndDoesNotSeeIt) {
  const auto demo = app(keys());
  demo->handle(exchange({.headers = {{"authorization", "Bearer secret"}}}));
  ASSERT_EQ(program->guests.size(), 1U);
  EXPECT_THAT(guest().request.headers, Not(Contains(Key("authorization"))));
}

TEST_F(AppTest, OpenPathsNeedNoKey) {
  const auto demo = app(keys());
  demo->handle(exchange({.target = "/health"}));
  demo->handle(exchange({.target = "/health/../v1/models"}));
  EXPECT_EQ(program->guests.size(), 1U);
}

TEST_F(AppTest, MoreThanTheMostAreAskedToComeBack) {
  const auto demo = app({}, 2);
  demo->handle(exchange({}));
  demo->handle(exchange({}));
  const auto third = exchange({});
  demo->handle(third);
  EXPECT_EQ(third->status, 503);
  EXPECT_EQ(third->header("retry-after"), "1");
  EXPECT_THAT(third->body, HasSubstr("\"code\":\"overloaded\""));
  EXPECT_EQ(demo->counts().in_progress, 2U);
  guest(0).sink->head(200, {});
  guest(0).sink->end();
  demo->handle(exchange({}));
  EXPECT_EQ(program->guests.size(), 3U);
}

TEST_F(AppTest, HealthIsAnsweredWhileTheOthersWait) {
  const auto demo = app({}, 1);
  demo->handle(exchange({}));
  const auto health = [&](bool with_body) {
    auto client = exchange({.method = with_body ? "POST" : "GET", .target = "/health"}, with_body);
    demo->handle(client);
    return client;
  };
  EXPECT_EQ(health(true)->status, 503);  // a body may be slow
  health(false);
  EXPECT_EQ(program->guests.size(), 2U);
  EXPECT_EQ(health(false)->status, 503);
}

TEST_F(AppTest, BodiesThatAreTooLargeTogetherAreAskedToComeBack) {
  const auto demo = app();
  upload(*demo, 60);
  const auto second = upload(*demo, 41);
  EXPECT_EQ(second->status, 503);
  EXPECT_EQ(second->header("retry-after"), "1");
  EXPECT_THAT(second->body, HasSubstr("\"code\":\"overloaded\""));
  EXPECT_EQ(program->guests.size(), 1U);
  EXPECT_EQ(demo->counts().refused, 1U);
  upload(*demo, 40);
  EXPECT_EQ(program->guests.size(), 2U);
  // An answer frees nothing while the guest goes on: it still holds its memory.
  guest(0).sink->head(200, {});
  guest(0).sink->end();
  EXPECT_EQ(upload(*demo, 60)->status, 503);
  guest(0).sink.reset();
  upload(*demo, 60);
  EXPECT_EQ(program->guests.size(), 3U);
}

TEST_F(AppTest, ABodyInChunksIsCountedAsItComes) {
  const auto demo = app();
  const auto client = upload(*demo, std::nullopt);
  client->send(to_buffer(std::string(100, 'x')));
  std::exchange(guest().taken, nullptr)();
  client->send(to_buffer("x"));
  EXPECT_EQ(client->status, 503);
  EXPECT_TRUE(client->finished);
  EXPECT_FALSE(guest().alive);
  // One that answers before it has read everything is cut off.
  guest().sink.reset();
  const auto early = upload(*demo, std::nullopt);
  guest(1).sink->head(200, text());
  early->send(to_buffer(std::string(101, 'x')));
  EXPECT_EQ(early->status, 200);
  EXPECT_TRUE(early->aborted);
}

TEST_F(AppTest, AGuestThatFailsBeforeItsHeadIsAnsweredFor) {
  const auto demo = app();
  const auto client = exchange({});
  demo->handle(client);
  guest().sink->fail({ErrorKind::guest_trap, "call stack exhausted"});
  EXPECT_EQ(client->status, 500);
  EXPECT_THAT(client->body, HasSubstr("guest_trap"));
  EXPECT_THAT(client->body, Not(HasSubstr("call stack")));
  EXPECT_EQ(client->header("content-type"), "application/json");
  EXPECT_FALSE(guest().alive);
  EXPECT_EQ(demo->counts().failed, 1U);
}

TEST_F(AppTest, AGuestThatFailsAfterItsHeadIsNoticedByTheClient) {
  const auto demo = app();
  const auto client = exchange({});
  demo->handle(client);
  guest().sink->head(200, text());
  guest().sink->fail({ErrorKind::deadline_exceeded, "wall"});
  EXPECT_EQ(client->status, 200);
  EXPECT_TRUE(client->aborted);
  EXPECT_FALSE(client->finished);
}

TEST_F(AppTest, AStreamOfEventsThatBreaksOffSaysWhy) {
  const auto demo = app();
  const auto client = exchange({});
  demo->handle(client);
  guest().sink->head(200, {{"Content-Type", "text/event-stream; charset=utf-8"}});
  guest().sink->body(to_buffer("data: {\"cut"), [] {});
  guest().sink->fail({ErrorKind::guest_trap, "call stack exhausted"});
  EXPECT_THAT(client->body, StartsWith("data: {\"cut\n\ndata: {\"error\":{"));
  EXPECT_THAT(client->body, HasSubstr("guest_trap"));
  EXPECT_THAT(client->body, EndsWith("}}\n\n"));
  EXPECT_TRUE(client->aborted);
  EXPECT_FALSE(client->finished);
}

TEST_F(AppTest, AGuestThatLetsGoHasFailed) {
  const auto demo = app();
  demo->handle(exchange({}));
  guest().sink.reset();
  EXPECT_FALSE(guest().alive);
  EXPECT_EQ(demo->counts().failed, 1U);
  EXPECT_EQ(demo->counts().in_progress, 0U);
}

TEST_F(AppTest, AClientThatLeavesEndsTheGuestInEveryPhase) {
  const auto demo = app();
  // Before the guest exists.
  const auto early = exchange({});
  early->leave();
  demo->handle(early);
  // While its body comes.
  const auto sending = exchange({.method = "POST"}, true);
  demo->handle(sending);
  sending->leave();
  // Broken off in its body.
  const auto broken = exchange({.method = "POST"}, true);
  demo->handle(broken);
  broken->send(fail(ErrorKind::unavailable, "the client broke off"));
  // While the guest thinks.
  const auto waiting = exchange({});
  demo->handle(waiting);
  waiting->leave();
  // In the middle of the response, noticed by the connection or by a send.
  const auto reading = exchange({});
  demo->handle(reading);
  guest(4).sink->head(200, text());
  guest(4).sink->body(to_buffer("x"), [] { FAIL() << "taken, but the client is gone"; });
  reading->leave();
  const auto stalled = exchange({});
  demo->handle(stalled);
  guest(5).sink->head(200, text());
  guest(5).sink->body(to_buffer("x"), [] { FAIL() << "taken, but the client is gone"; });
  stalled->stop_reading();

  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_FALSE(guest(i).alive) << i;
    EXPECT_EQ(guest(i).sandbox.state, nullptr) << i;
  }
  EXPECT_TRUE(guest(2).body_aborted);
  EXPECT_EQ(demo->counts().abandoned, 6U);
  EXPECT_EQ(demo->counts().in_progress, 0U);
  // What the guests still say on their way out goes nowhere.
  for (const auto& each : program->guests) {
    each->sink->head(200, {});
    each->sink->body(to_buffer("late"), [] {});
    each->sink->fail({ErrorKind::cancelled, "ended"});
  }
  EXPECT_EQ(waiting->status, 0);
  EXPECT_EQ(reading->body, "x");
  EXPECT_EQ(demo->counts().failed, 0U);
}

TEST_F(AppTest, ABodyThatTheGuestDoesNotReadIsNotRead) {
  const auto demo = app();
  const auto client = exchange({.method = "POST"}, true);
  demo->handle(client);
  guest().sink->head(413, {});
  guest().sink->end();
  EXPECT_TRUE(client->finished);
  client->send(to_buffer("too late"));
  EXPECT_EQ(guest().body, "");
}

TEST_F(AppTest, RequestsOutliveTheAppThatBeganThem) {
  auto demo = app();
  const auto client = exchange({});
  demo->handle(client);
  demo.reset();
  guest().sink->head(200, {});
  guest().sink->end();
  EXPECT_TRUE(client->finished);
}

TEST_F(AppTest, TheTwoSidesMayEndAtTheSameTime) {
  const auto demo = app();
  for (std::size_t round = 0; round < 300; ++round) {
    const auto client = exchange({});
    demo->handle(client);
    const auto each = program->guests.at(round);
    std::thread gone([&] { client->leave(); });
    each->sink->fail({ErrorKind::guest_trap, "x"});
    gone.join();
    EXPECT_FALSE(each->alive);
  }
  const AppCounts counts = demo->counts();
  EXPECT_EQ(counts.failed + counts.abandoned, 300U);
  EXPECT_EQ(counts.in_progress, 0U);
}

TEST_F(AppTest, TwoHundredAtOnce) {
  const auto demo = app();
  std::vector<std::shared_ptr<FakeExchange>> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(exchange({}));
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = t; i < clients.size(); i += 4) demo->handle(clients[i]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(demo->counts().in_progress, 200U);
  for (const auto& each : program->guests) {
    each->sink->head(200, {});
    each->sink->end();
  }
  EXPECT_EQ(demo->counts().in_progress, 0U);
  for (const auto& client : clients) EXPECT_TRUE(client->finished);
}

}  // namespace
}  // namespace quern::apphost
