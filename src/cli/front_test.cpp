#include "cli/front.hpp"

#include <gtest/gtest.h>

namespace quern::cli {
namespace {

// Remembers the response.
class FakeExchange final : public http::Exchange {
 public:
  explicit FakeExchange(http::RequestHead head) : head_(std::move(head)) {}
  const http::RequestHead& request() const override { return head_; }
  bool has_body() const override { return false; }
  void read_body(std::function<void(Result<Buffer>)> got) override { got(Buffer{}); }
  void send_head(std::uint16_t code, http::Headers headers_sent) override {
    status = code;
    headers = std::move(headers_sent);
  }
  void send_body(Buffer chunk, std::function<void(Result<>)> sent) override {
    body += as_text(chunk);
    if (sent) sent({});
  }
  void finish() override {}
  void abort() override {}
  void on_gone(std::function<void()> /*gone*/) override {}

  int status = 0;
  http::Headers headers;
  std::string body;

 private:
  http::RequestHead head_;
};

const HostNames kLocal("127.0.0.1", {"chat.example"});

class App final : public http::Handler {
 public:
  void handle(std::shared_ptr<http::Exchange> exchange) override {
    exchange->respond(200, "text/plain", "app");
  }
};

Insight well() {
  return {.metrics = [] { return std::string("numbers"); },
          .ailment = [] { return std::string(); }};
}

std::shared_ptr<FakeExchange> ask(Front& front, std::string method, std::string target,
                                  std::string host = "127.0.0.1:8080") {
  http::RequestHead head;
  head.method = std::move(method);
  head.target = std::move(target);
  head.authority = std::move(host);
  auto exchange = std::make_shared<FakeExchange>(head);
  front.handle(exchange);
  return exchange;
}

TEST(Front, AsksToComeBackUntilTheAppIsThere) {
  const apphost::ApiKeys none;
  Front front(none, kLocal, well());
  const auto early = ask(front, "GET", "/v1/models");
  EXPECT_EQ(early->status, 503);
  EXPECT_NE(early->body.find("still starting"), std::string::npos);
  App app;
  front.open(app);
  EXPECT_EQ(ask(front, "GET", "/v1/models")->body, "app");
}

TEST(Front, AnswersMetricsItself) {
  const apphost::ApiKeys none;
  Front front(none, kLocal, well());
  App app;
  front.open(app);
  EXPECT_EQ(ask(front, "GET", "/metrics?x=1")->body, "numbers");
  EXPECT_EQ(ask(front, "POST", "/metrics")->status, 405);
  EXPECT_EQ(ask(front, "GET", "/metrics/more")->body, "app");
}

TEST(Front, HealthIsTheAppsUnlessSomethingIsWrong) {
  const apphost::ApiKeys none;
  std::string ailment;
  Insight insight = well();
  insight.ailment = [&ailment] { return ailment; };
  Front front(none, kLocal, insight);
  App app;
  front.open(app);
  EXPECT_EQ(ask(front, "GET", "/health")->body, "app");
  ailment = R"({"status":"stalled"})";
  const auto ill = ask(front, "GET", "/health?x");
  EXPECT_EQ(ill->status, 503);
  EXPECT_EQ(ill->body, ailment);
  EXPECT_EQ(ask(front, "GET", "/v1/models")->body, "app") << "the rest is not kept from the app";
}

TEST(Front, RefusesANameThatIsNotItsOwn) {
  const apphost::ApiKeys none;
  Front front(none, kLocal, well());
  App app;
  front.open(app);
  EXPECT_EQ(ask(front, "GET", "/v1/models", "chat.example")->body, "app");
  for (const char* path : {"/v1/models", "/metrics", "/"}) {
    const auto refused = ask(front, "GET", path, "rebound.example:8080");
    EXPECT_EQ(refused->status, 403) << path;
    EXPECT_NE(refused->body.find("--allow-host"), std::string::npos) << path;
  }
}

}  // namespace
}  // namespace quern::cli
