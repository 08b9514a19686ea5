#include "inference/inference.hpp"
#include "inference/test_reader.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <thread>

namespace quern::inference {
namespace {

using std::chrono::milliseconds;

ChatRequest say(std::string text) {
  ChatRequest request;
  request.messages.push_back({.role = Role::user,
                              .text = std::move(text),
                              .name = {},
                              .reasoning = {},
                              .tool_calls = {},
                              .tool_call_id = {}});
  return request;
}

ScriptLine line(std::string when, std::vector<Event> events, milliseconds delay = {}) {
  return {
      .when = std::move(when), .events = std::move(events), .error = {}, .delay_per_event = delay};
}

struct Fake {
  explicit Fake(std::vector<ScriptLine> script)
      : engine(make_fake_engine("fake", std::move(script))), model(engine->find("fake").value()) {}
  std::unique_ptr<Engine> engine;
  std::shared_ptr<Model> model;
};

TEST(FakeEngine, FirstMatchingLineAnswers) {
  const Fake fake({line("weather", {Content{"It "}, Content{"rains."}}), line("", {Content{"?"}})});
  const Answer answer = read_all(*fake.model->chat(say("the weather now"), {}).value());
  EXPECT_EQ(answer.text, "It rains.");
  ASSERT_TRUE(answer.finished);
  EXPECT_EQ(answer.finished->reason, FinishReason::stop);
  EXPECT_EQ(answer.finished->usage.prompt_tokens, 4U);      // three words and the line's end
  EXPECT_EQ(answer.finished->usage.completion_tokens, 3U);  // "It", " ", "rains."
  const Answer other =
      read_all(*fake.model->complete({.prompt = "x", .sampling = {}, .format = {}}, {}).value());
  EXPECT_EQ(other.text, "?");
}

TEST(FakeEngine, NoMatchAndEmptyConversationAreErrorsOfTheFirstRead) {
  const Fake fake({line("x", {})});
  EXPECT_EQ(read_all(*fake.model->chat(say("y"), {}).value()).error->kind(),
            ErrorKind::invalid_argument);
  EXPECT_EQ(read_all(*fake.model->chat({}, {}).value()).error->kind(), ErrorKind::invalid_argument);
}

TEST(FakeEngine, ScriptedErrorComesAfterTheEvents) {
  ScriptLine broken = line("", {Content{"a"}});
  broken.error = Error(ErrorKind::unavailable, "down");
  const Fake fake({broken});
  const Answer answer = read_all(*fake.model->chat(say("x"), {}).value());
  EXPECT_EQ(answer.text, "a");
  EXPECT_EQ(answer.error->kind(), ErrorKind::unavailable);
}

TEST(FakeEngine, ToolCallsEndWithTheirReason) {
  const Fake fake(
      {line("", {ToolCallDelta{.index = 0, .id = "c1", .name = "f", .arguments = "{}"}})});
  EXPECT_EQ(read_all(*fake.model->chat(say("x"), {}).value()).finished->reason,
            FinishReason::tool_calls);
}

TEST(FakeEngine, DelaysAreServedForManyAtOnce) {
  const Fake fake({line("", {Content{"a"}, Content{"b"}}, milliseconds(10))});
  std::vector<std::unique_ptr<Generation>> many;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) many.push_back(fake.model->chat(say("x"), {}).value());
  EXPECT_EQ(fake.model->load().running, 100U);
  for (const auto& generation : many) EXPECT_EQ(read_all(*generation).text, "ab");
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(20));
  many.clear();
  // The timer's thread lets go of the last one a moment after its end.
  while (fake.model->load().running > 0) std::this_thread::sleep_for(milliseconds(1));
}

TEST(FakeEngine, CancelKeepsWhatWasSaid) {
  const Fake fake({line("", {Content{"a"}, Content{"b"}}, milliseconds(20))});
  const auto generation = fake.model->chat(say("x"), {}).value();
  wait_ready(*generation);
  generation->cancel();
  const Answer answer = read_all(*generation);
  EXPECT_EQ(answer.text, "a");
  EXPECT_TRUE(answer.finished.has_value());
  EXPECT_EQ(generation->usage().completion_tokens, 1U);
}

TEST(FakeEngine, DeadlineEndsASlowAnswer) {
  const Fake fake({line("", {Content{"a"}}, milliseconds(60000))});
  const auto generation =
      fake.model->chat(say("x"), {.tenant = {}, .deadline = Deadline::in(milliseconds(10))})
          .value();
  EXPECT_EQ(read_all(*generation).error->kind(), ErrorKind::deadline_exceeded);
}

TEST(FakeEngine, GenerationOutlivesItsEngine) {
  auto fake = std::make_unique<Fake>(
      std::vector<ScriptLine>{line("", {Content{"a"}}, milliseconds(60000))});
  const auto generation = fake->model->chat(say("x"), {}).value();
  fake.reset();
  EXPECT_EQ(read_all(*generation).error->kind(), ErrorKind::unavailable);
}

TEST(FakeEngine, EmbeddingsAreUnitLengthAndTheSameForTheSameText) {
  const Fake fake({});
  Embeddings result;
  fake.model->embed({"a b", "a b", "c"}, {},
                    [&](Result<Embeddings> embeddings) { result = *std::move(embeddings); });
  ASSERT_EQ(result.vectors.size(), 3U);
  EXPECT_EQ(result.vectors[0], result.vectors[1]);
  EXPECT_NE(result.vectors[0], result.vectors[2]);
  const auto& v = result.vectors[0];
  EXPECT_NEAR(std::inner_product(v.begin(), v.end(), v.begin(), 0.F), 1.F, 1e-5F);
  EXPECT_EQ(result.prompt_tokens, 5U);
}

TEST(FakeEngine, FindsAndLoadsByName) {
  const Fake fake({});
  EXPECT_EQ(fake.engine->find("other").error().kind(), ErrorKind::not_found);
  ASSERT_TRUE(fake.engine->load({.name = "other", .path = {}, .digest = {}}).ok());
  EXPECT_EQ(fake.engine->find("other").value()->info().name, "other");
  EXPECT_EQ(fake.engine->models().size(), 2U);
}

}  // namespace
}  // namespace quern::inference
