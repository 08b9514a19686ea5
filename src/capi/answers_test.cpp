// Answers, embeddings and tokens through the C functions.
#include "capi/test_library.hpp"

#include <nlohmann/json.hpp>
#include <poll.h>

#include <cmath>
#include <thread>

namespace quern::capi {
namespace {

using Answers = Library;

TEST_F(Answers, ComeEventByEvent) {
  const quern_answer answer = ask("hello");
  const Heard heard = hear(answer);
  EXPECT_EQ(heard.text, "Hello there.");
  EXPECT_EQ(heard.kinds, (std::vector<int>{QUERN_CONTENT, QUERN_CONTENT, QUERN_FINISHED}));
  EXPECT_EQ(heard.last.reason, QUERN_STOP);
  EXPECT_EQ(heard.last.completion_tokens, 2U);
  quern_event after{};
  EXPECT_EQ(quern_answer_next(answer, &after, nullptr), QUERN_CANCELLED);
  EXPECT_EQ(after.kind, QUERN_NOTHING);
}

TEST_F(Answers, AreWaitedFor) {
  const quern_answer answer = ask("slowly");
  EXPECT_EQ(hear(answer).text, "one two three");
  const quern_answer endless = ask("for ever");
  quern_event event{};
  EXPECT_EQ(quern_answer_next(endless, &event, nullptr), QUERN_OK);
  EXPECT_EQ(event.kind, QUERN_NOTHING);
  EXPECT_EQ(quern_wait(endless, 1, nullptr), QUERN_DEADLINE_EXCEEDED);
}

TEST_F(Answers, RingADescriptor) {
  const quern_answer answer = ask("slowly");
  int descriptor = -1;
  ASSERT_EQ(quern_descriptor(answer, &descriptor, nullptr), QUERN_OK);
  std::string text;
  for (quern_event event{}; event.kind != QUERN_FINISHED;) {
    pollfd ready{.fd = descriptor, .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&ready, 1, 60'000), 1);
    ASSERT_EQ(quern_answer_next(answer, &event, nullptr), QUERN_OK);
    if (event.kind == QUERN_CONTENT) text.append(event.text, event.text_size);
  }
  EXPECT_EQ(text, "one two three");
}

TEST_F(Answers, AreCancelledFromAnotherThread) {
  const quern_answer answer = ask("for ever");
  std::jthread other([&] { EXPECT_EQ(quern_answer_cancel(answer, nullptr), QUERN_OK); });
  // The fake tells the end at its next event, which is ten minutes away: closing wakes at once.
  other.join();
  std::jthread closing([&] { EXPECT_EQ(quern_close(answer), QUERN_OK); });
  const quern_status waited = quern_wait(answer, -1, nullptr);
  EXPECT_TRUE(waited == QUERN_OK || waited == QUERN_INVALID_ARGUMENT) << waited;
  closing.join();
  quern_event event{};
  EXPECT_EQ(quern_answer_next(answer, &event, nullptr), QUERN_INVALID_ARGUMENT);
}

TEST_F(Answers, TellToolCalls) {
  const quern_answer answer = ask("a tool");
  quern_event call{};
  ASSERT_EQ(quern_answer_next(answer, &call, nullptr), QUERN_OK);
  EXPECT_EQ(call.kind, QUERN_TOOL_CALL);
  EXPECT_STREQ(call.id, "c1");
  EXPECT_STREQ(call.name, "time");
  EXPECT_EQ(std::string(call.text, call.text_size), "{\"zone\":1}");
  EXPECT_EQ(hear(answer).last.reason, QUERN_TOOL_CALLS);
}

TEST_F(Answers, FailWithWhatEndedThem) {
  const Heard heard = hear(ask("busy"));
  EXPECT_EQ(heard.status, QUERN_RESOURCE_EXHAUSTED);
  EXPECT_EQ(heard.why, "the queue is full");
}

TEST_F(Answers, EndAtTheirDeadline) {
  const std::string request =
      R"({"messages":[{"role":"user","content":"for ever"}],"timeout_ms":1})";
  quern_answer answer = 0;
  ASSERT_EQ(quern_chat(model_, request.data(), request.size(), &answer, nullptr), QUERN_OK);
  EXPECT_EQ(hear(answer).status, QUERN_DEADLINE_EXCEEDED);
}

TEST_F(Answers, GoOnWhenTheirModelIsClosed) {
  const quern_answer answer = ask("slowly");
  EXPECT_EQ(quern_close(model_), QUERN_OK);
  EXPECT_EQ(hear(answer).text, "one two three");
}

TEST_F(Answers, CloseWithTheirEngine) {
  const quern_answer answer = ask("for ever");
  std::jthread waiting([&] { quern_wait(answer, -1, nullptr); });
  EXPECT_EQ(quern_close(engine_), QUERN_OK);
  waiting.join();
  EXPECT_EQ(quern_wait(answer, -1, nullptr), QUERN_INVALID_ARGUMENT);
}

TEST_F(Answers, CompletionsAreAnswersToo) {
  const std::string request = R"({"prompt":"hello"})";
  quern_answer answer = 0;
  ASSERT_EQ(quern_complete(model_, request.data(), request.size(), &answer, nullptr), QUERN_OK);
  EXPECT_EQ(hear(answer).text, "Hello there.");
}

TEST_F(Answers, WrongRequestsAreRefusedAtOnce) {
  const std::string request = R"({"messages":[],"x":1})";
  quern_answer answer = 7;
  Given why;
  EXPECT_EQ(quern_chat(model_, request.data(), request.size(), &answer, &why.text),
            QUERN_INVALID_ARGUMENT);
  EXPECT_EQ(why.str(), "messages is missing or empty");
  EXPECT_EQ(answer, 0U);
}

TEST_F(Answers, EmbeddingsComeInRows) {
  const char* const texts[] = {"a fox", "a vixen runs"};
  const size_t sizes[] = {5, 12};
  quern_embedding embedding = 0;
  ASSERT_EQ(quern_embed(model_, texts, sizes, 2, &embedding, nullptr), QUERN_OK);
  ASSERT_EQ(quern_wait(embedding, 60'000, nullptr), QUERN_OK);
  float* vectors = nullptr;
  size_t rows = 0;
  size_t columns = 0;
  uint32_t tokens = 0;
  ASSERT_EQ(quern_embedding_take(embedding, &vectors, &rows, &columns, &tokens, nullptr), QUERN_OK);
  ASSERT_NE(vectors, nullptr);
  EXPECT_EQ(rows, 2U);
  EXPECT_EQ(columns, 16U);
  EXPECT_EQ(tokens, 5U);
  for (size_t row = 0; row < rows; ++row) {
    float square = 0;
    for (size_t i = 0; i < columns; ++i)
      square += vectors[row * columns + i] * vectors[row * columns + i];
    EXPECT_NEAR(square, 1, 1e-5);
  }
  quern_free(vectors);
  EXPECT_EQ(quern_embedding_take(embedding, &vectors, &rows, &columns, nullptr, nullptr),
            QUERN_CANCELLED);
  EXPECT_EQ(vectors, nullptr);
}

TEST_F(Answers, TokensGoThereAndBack) {
  const std::string text = "one two";
  int32_t* tokens = nullptr;
  size_t count = 0;
  ASSERT_EQ(quern_model_tokenize(model_, text.data(), text.size(), 0, &tokens, &count, nullptr),
            QUERN_OK);
  Given back;
  size_t size = 0;
  ASSERT_EQ(quern_model_detokenize(model_, tokens, count, &back.text, &size, nullptr), QUERN_OK);
  EXPECT_EQ(std::string(back.text, size), text);
  quern_free(tokens);
  uint32_t counted = 0;
  const std::string request = asking("one two three");
  EXPECT_EQ(quern_model_count_tokens(model_, request.data(), request.size(), &counted, nullptr),
            QUERN_OK);
  EXPECT_EQ(counted, 4U) << "three words and the line's end";
}

TEST_F(Answers, ModelsTellOfThemselves) {
  Given info;
  ASSERT_EQ(quern_model_info(model_, &info.text, nullptr), QUERN_OK);
  EXPECT_EQ(nlohmann::json::parse(info.str()).at("name"), "fake");
  const quern_answer answer = ask("for ever");
  Given busy;
  ASSERT_EQ(quern_model_activity(model_, &busy.text, nullptr), QUERN_OK);
  EXPECT_EQ(nlohmann::json::parse(busy.str()).at("running"), 1);
  quern_close(answer);
}

}  // namespace
}  // namespace quern::capi
