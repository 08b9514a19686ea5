#include "pipeline/control.hpp"

#include "logs/segments.hpp"
#include "pipeline/fake_stages.hpp"
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace quern::pipeline {
namespace {

using ::testing::HasSubstr;

class ControlTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto file = scratch_.write(R"(
[[input]]
name = "in"
type = "fed"
[[filter]]
name = "echo"
type = "mark"
word = "x"
[[output]]
name = "out"
type = "keeping"
)");
    const World world{.files = files_, .clock = clock_, .network = *network_, .process = process_};
    auto pipeline = Pipeline::start(file, fake_makers(stages_), world);
    ASSERT_TRUE(pipeline.ok()) << pipeline.error().describe();
    pipeline_ = *std::move(pipeline);
    auto control = Control::start({.pipeline = *pipeline_,
                                   .files = files_,
                                   .page = {{"/", {.type = "text/html", .bytes = "<p>"}}}});
    ASSERT_TRUE(control.ok()) << control.error().describe();
    control_ = *std::move(control);
    address_ = *find_control(files_, pipeline_->plan().state);
  }

  SendAnswer send(const std::string& method, const std::string& path, bool with_token = true,
                  std::string body = {}) {
    SendRequest request{.method = method, .url = address_.url + path};
    if (with_token) request.headers.emplace_back("authorization", "Bearer " + address_.token);
    request.body_bytes = body.size();
    request.body = [&]() -> Result<Buffer> { return to_buffer(body); };
    auto answer = network_->send(request, {});
    EXPECT_TRUE(answer.ok()) << answer.error().describe();
    return answer.ok() ? *answer : SendAnswer();
  }

  Scratch scratch_;
  RealFiles files_;
  SystemClock clock_;
  FakeProcess process_;
  std::unique_ptr<Network> network_ = http::make_client({});
  std::shared_ptr<StagesByName> stages_ = std::make_shared<StagesByName>();
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<Control> control_;
  ControlAddress address_;
};

TEST_F(ControlTest, NumbersAreForEverybodyTheRestIsNot) {
  EXPECT_THAT(send("GET", "/metrics", false).body,
              HasSubstr("quern_pipe_records_in_total{stage=\"in\",kind=\"input\"} 0\n"));
  EXPECT_EQ(send("GET", "/health", false).status, 200);
  for (const char* path : {"/api/stages", "/api/tap?stage=in", "/api/stages/echo/x", "/nothing"}) {
    EXPECT_EQ(send("GET", path, false).status, 401) << path;
  }
  EXPECT_EQ(send("POST", "/api/reload", false).status, 401);
}

TEST_F(ControlTest, StagesReloadAndOtherCalls) {
  const auto stages = nlohmann::json::parse(send("GET", "/api/stages").body);
  EXPECT_EQ(stages["stages"][2]["name"], "out");
  EXPECT_EQ(send("POST", "/api/reload").body, R"({"added":[],"changed":[],"removed":[]})");
  EXPECT_EQ(send("GET", "/api/reload").status, 404);
  EXPECT_EQ(send("POST", "/api/replay?stage=out").body, R"({"records":0})");
  EXPECT_EQ(send("POST", "/api/replay?stage=nobody").status, 404);
  EXPECT_EQ(send("POST", "/api/stages/echo/say?a=%2b+x", true, "body").body,
            "\"POST say + x body\"");
  EXPECT_EQ(send("GET", "/api/stages/nobody/say").status, 404);
  EXPECT_EQ(send("GET", "/", false).body, "<p>");
}

TEST_F(ControlTest, WhatIsLeftOfAStageThatIsGoneIsTold) {
  const auto folder = pipeline_->plan().state / "buffers" / "gone";
  auto segments = *logs::Segments::open(files_, folder);
  for (const Buffer& frame : batch_of("t", {R"({"n":1})"}).frames(logs::kLargestFrame))
    ASSERT_TRUE(segments->append(frame).ok());
  ASSERT_TRUE(segments->sync().ok());
  EXPECT_EQ(send("POST", "/api/reload").status, 200);
  EXPECT_THAT(send("GET", "/metrics", false).body, ::testing::Not(HasSubstr("left_behind")))
      << "somebody has it open";
  segments.reset();
  EXPECT_EQ(send("POST", "/api/reload").status, 200);
  EXPECT_THAT(send("GET", "/metrics", false).body,
              HasSubstr("quern_pipe_left_behind_records{stage=\"gone\",kind=\"buffer\"} 1\n"));
  const auto stages = nlohmann::json::parse(send("GET", "/api/stages").body);
  EXPECT_EQ(stages["left_behind"][0]["stage"], "gone");
  EXPECT_EQ(send("POST", "/api/replay?stage=gone").status, 404);
  EXPECT_EQ(send("POST", "/api/replay?stage=gone&to=in").status, 404);
  EXPECT_EQ(send("POST", "/api/replay?stage=gone&to=out").body, R"({"records":1})");
  EXPECT_TRUE((*stages_)["out"]->wait_for(1));
  EXPECT_TRUE(nlohmann::json::parse(send("GET", "/api/stages").body)["left_behind"].empty());
}

TEST_F(ControlTest, AnAilingOutputIsToldByHealth) {
  (*stages_)["out"]->failures = 1'000'000;
  EXPECT_TRUE((*stages_)["in"]->feed.try_push(batch_of("t", {"{}"})).ok());
  while (send("GET", "/health", false).status == 200)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_THAT(send("GET", "/health", false).body, HasSubstr("\"out\""));
  EXPECT_THAT(send("GET", "/metrics", false).body,
              HasSubstr("quern_pipe_healthy{stage=\"out\",kind=\"output\"} 0\n"));
}

TEST_F(ControlTest, ATapStreams) {
  std::string seen;
  std::stop_source enough;
  std::jthread feeding([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      (void)(*stages_)["in"]->feed.try_push(batch_of("t", {R"({"n":1})"}));
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  const Result<> over = network_->fetch(
      {.url = address_.url + "/api/tap?stage=in",
       .headers = {{"authorization", "Bearer " + address_.token}}},
      enough.get_token(), [](const FetchHead&) -> Result<> { return {}; },
      [&](ByteView chunk) -> Result<> {
        seen += as_text(chunk);
        return seen.size() > 200 ? fail(ErrorKind::cancelled, "enough") : Result<>();
      });
  EXPECT_FALSE(over.ok());
  EXPECT_THAT(seen, HasSubstr(R"("record":{"n":1)"));
}

TEST_F(ControlTest, WhatDoesNotRunIsNotFound) {
  const auto state = pipeline_->plan().state;
  control_.reset();
  pipeline_.reset();
  const auto gone = find_control(files_, state);
  ASSERT_FALSE(gone.ok());
  EXPECT_EQ(gone.error().kind(), ErrorKind::not_found);
}

}  // namespace
}  // namespace quern::pipeline
