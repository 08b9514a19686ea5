// An App with a real component (guests/probe) on the real engine, in front of it a client by hand,
// behind it a model that speaks from a script.
#include "apphost/apphost.hpp"
#include "apphost/fake_guest.hpp"
#include "guestapi/fakes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <fstream>
#include <thread>

namespace quern::apphost {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::chrono_literals;

// A client that reads everything; may be asked for by several threads.
class Client final : public http::Exchange {
 public:
  explicit Client(std::string target)
      : head_{.method = "GET",
              .target = std::move(target),
              .authority = "localhost",
              .headers = {},
              .peer = "127.0.0.1:1"} {}
  const http::RequestHead& request() const override { return head_; }
  bool has_body() const override { return false; }
  void read_body(std::function<void(Result<Buffer>)>) override { FAIL() << "there is no body"; }
  void send_head(std::uint16_t code, http::Headers) override {
    change([&] { status_ = code; });
  }
  void send_body(Buffer chunk, std::function<void(Result<>)> sent) override {
    change([&] { body_ += as_text(chunk), ++chunks_; });
    if (sent) sent({});
  }
  void finish() override {
    change([&] { over_ = true; });
  }
  void abort() override {
    change([&] { over_ = true; });
  }
  void on_gone(std::function<void()> gone) override { gone_ = std::move(gone); }

  void leave() { std::exchange(gone_, nullptr)(); }
  // Waits for the end of the response.
  std::string body() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 20s, [&] { return over_; })) << head_.target;
    return body_;
  }
  std::uint16_t status() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }
  int chunks() const {
    const std::lock_guard lock(mutex_);
    return chunks_;
  }

 private:
  template <class Change>
  void change(Change change) {
    const std::lock_guard lock(mutex_);
    change();
    changed_.notify_all();
  }

  const http::RequestHead head_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint16_t status_ = 0;
  std::string body_;
  int chunks_ = 0;
  bool over_ = false;
  std::function<void()> gone_;
};

bool eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 5000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(2ms);
  }
  return false;
}

wasm::Engine& shared_engine() {
  static const auto engine =
      wasm::Engine::create({.worker_threads = 2, .max_instances = 400}).value();
  return *engine;
}

std::shared_ptr<const wasm::Program> probe() {
  static const auto program = shared_engine().load_file(QUERN_PROBE_WASM).value();
  return program;
}

using inference::Content;
std::vector<inference::ScriptLine> script() {
  return {{.when = "slow",
           .events = {Content{"one "}, Content{"two "}, Content{"three"}},
           .error = {},
           .delay_per_event = 30ms},
          {.when = "never", .events = {Content{"x"}}, .error = {}, .delay_per_event = 60s},
          {.when = "", .events = {Content{"h\xc3\xa9llo"}}, .error = {}}};
}

class GuestTest : public ::testing::Test {
 protected:
  void serve(guestapi::Grants grants = {.models = {"gemma"}}) {
    auto linked = shared_engine().link(probe(), api.imports());
    ASSERT_TRUE(linked.ok()) << linked.error().describe();
    app = std::make_unique<App>(AppOptions{.name = "probe",
                                           .program = *std::move(linked),
                                           .grants = std::move(grants),
                                           .keys = {},
                                           .open_paths = {}},
                                api);
  }
  std::shared_ptr<Client> ask(const std::string& target) {
    auto client = std::make_shared<Client>(target);
    app->handle(client);
    return client;
  }
  std::string body(const std::string& target) { return ask(target)->body(); }
  std::uint32_t running() { return engine->find("gemma").value()->load().running; }
  void TearDown() override {
    EXPECT_TRUE(eventually([&] { return shared_engine().live_instances() == 0; }));
  }

  std::unique_ptr<inference::Engine> engine = inference::make_fake_engine("gemma", script());
  guestapi::LoadedModels models{*engine};
  guestapi::GuestApi api{models};
  std::unique_ptr<App> app;
};

TEST_F(GuestTest, AnswersThroughTheSandbox) {
  serve();
  EXPECT_EQ(body("/read/hi"), "h\xc3\xa9llo");
  EXPECT_EQ(body("/read/slow"), "one two three");
  EXPECT_EQ(app->counts().failed, 0U);
  EXPECT_TRUE(eventually([&] { return app->counts().completion_tokens > 0; }));
}

TEST_F(GuestTest, APollableIsReadyWhenThereIsSomethingToRead) {
  serve();
  EXPECT_EQ(body("/poll/slow"), "one two three");
  EXPECT_EQ(body("/poll/hi"), "h\xc3\xa9llo");
}

TEST_F(GuestTest, StreamsEventByEvent) {
  serve();
  const auto client = ask("/stream/slow");
  EXPECT_EQ(client->body(), "one two three");
  EXPECT_GE(client->chunks(), 3);
}

TEST_F(GuestTest, GrantsHoldAndErrorsAreTold) {
  serve();
  EXPECT_EQ(body("/open/gemma"), "opened");
  EXPECT_EQ(body("/open/default"), "opened");
  EXPECT_THAT(body("/open/secret"), StartsWith("permission-denied: "));
  EXPECT_THAT(body("/open/secret"), HasSubstr("models = [\"secret\"]"));
  EXPECT_THAT(body("/bias/7"), HasSubstr("temperature must be 0 to 2, not 7"));
  EXPECT_THAT(body("/bias/nan"), HasSubstr("temperature must be"));
  EXPECT_THAT(body("/long/9000000"), StartsWith("invalid-argument: more than 8 MiB"));
}

TEST_F(GuestTest, AGuestWithoutGrantsHasNoModel) {
  serve({});
  EXPECT_THAT(body("/open/default"), StartsWith("permission-denied"));
}

TEST_F(GuestTest, ForgedHandlesAndBrokenTextEndTheGuestAndNobodyElse) {
  serve();
  for (const char* target : {"/forged", "/stale", "/binary"}) {
    const auto client = ask(target);
    EXPECT_THAT(client->body(), HasSubstr("guest_trap")) << target;
    EXPECT_EQ(client->status(), 500) << target;
  }
  EXPECT_EQ(app->counts().failed, 3U);
  EXPECT_EQ(body("/read/hi"), "h\xc3\xa9llo");
}

TEST_F(GuestTest, HoardedHandlesEndTheGuest) {
  guestapi::Grants few{.models = {"gemma"}};
  few.limits.handles = 50;
  serve(few);
  const auto client = ask("/hoard");
  client->body();
  EXPECT_GE(client->status(), 500);
}

TEST_F(GuestTest, ATargetThatCannotBePassedOnIsTheClientsFault) {
  serve();
  const auto client = ask("/read/with blanks");
  EXPECT_THAT(client->body(), HasSubstr("invalid_request_error"));
  EXPECT_EQ(client->status(), 400);
}

TEST_F(GuestTest, TheTokenBudgetIsPerInstance) {
  serve({.models = {"gemma"}, .tokens = 2});
  EXPECT_THAT(body("/read/hi"), StartsWith("budget-exhausted: "));
}

TEST_F(GuestTest, AClientThatLeavesFreesTheModelsSlot) {
  serve();
  const auto client = ask("/read/never");
  ASSERT_TRUE(eventually([&] { return running() == 1; }));
  client->leave();
  EXPECT_TRUE(eventually([&] { return running() == 0; }));
  EXPECT_EQ(app->counts().abandoned, 1U);
}

TEST_F(GuestTest, TheWallClockEndsAGuestThatWaits) {
  guestapi::Grants hurried{.models = {"gemma"}};
  hurried.limits.wall = 200ms;
  serve(hurried);
  const auto client = ask("/read/never");
  EXPECT_THAT(client->body(), HasSubstr("deadline_exceeded"));
  EXPECT_EQ(client->status(), 504);
  EXPECT_TRUE(eventually([&] { return running() == 0; }));
}

TEST_F(GuestTest, WhatAGuestLeavesBehindIsFreed) {
  serve();
  const auto client = ask("/leave");
  client->body();
  EXPECT_EQ(client->status(), 500);
  EXPECT_TRUE(eventually([&] { return running() == 0; }));
}

std::size_t threads_of_this_process() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("Threads:")) return std::stoul(line.substr(8));
  }
  return 0;
}

TEST_F(GuestTest, TwoHundredGuestsWaitWithoutAThreadEach) {
  serve();
  EXPECT_EQ(body("/read/hi"), "h\xc3\xa9llo");
  const std::size_t before = threads_of_this_process();
  std::vector<std::shared_ptr<Client>> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(ask("/read/never"));
  EXPECT_TRUE(eventually([&] { return running() == 200; }));
  EXPECT_EQ(threads_of_this_process(), before);
  for (const auto& client : clients) client->leave();
  EXPECT_TRUE(eventually([&] { return running() == 0; }));
  EXPECT_EQ(app->counts().abandoned, 200U);
}

}  // namespace
}  // namespace quern::apphost
