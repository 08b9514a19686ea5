#include "guestapi/llm_read.hpp"

#include "guestapi/test_guest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace quern::guestapi {
namespace {

using inference::Role;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

TEST(LlmRead, AConversationWithEverythingInIt) {
  wasm::ValueWriter out;
  out.count(3);
  out.discriminant(0).count(1).discriminant(0).text("be brief");  // system
  out.present(false).present(false).count(0).present(false);
  out.discriminant(3).count(2).discriminant(0).text("one").discriminant(0).text("two");
  out.present(true).text("bob").present(true).text("hm");  // assistant: name, reasoning
  out.count(1).text("c1").text("weather").text("{}").present(false);
  out.discriminant(4).count(1).discriminant(0).text("sunny");  // tool
  out.present(false).present(false).count(0).present(true).text("c1");
  inference::Sampling sampling{.max_tokens = 5,
                               .temperature = 0.5F,
                               .top_k = 6,
                               .top_p = 0.9F,
                               .min_p = 0.1F,
                               .repeat_penalty = 1.1F,
                               .repeat_last_n = 64,
                               .presence_penalty = 0.2F,
                               .frequency_penalty = 0.3F,
                               .seed = 7,
                               .logit_bias = {{3, -100.F}},
                               .stop = {"END"},
                               .logprobs = 2};
  put_sampling(out, sampling, 1500);
  out.discriminant(2).text("{\"type\":\"object\"}");         // json-schema
  out.count(1).text("weather").text("tells it").text("{}");  // tools
  out.discriminant(3).text("weather").boolean(false).present(true).boolean(true);

  LlmReader reader{wasm::ValueReader(out.encoded())};
  const TimedChat chat = reader.chat().value();
  const inference::ChatRequest& request = chat.request;
  ASSERT_EQ(request.messages.size(), 3U);
  EXPECT_EQ(request.messages[0].role, Role::system);
  EXPECT_EQ(request.messages[1].role, Role::assistant);
  EXPECT_EQ(request.messages[1].text, "one\ntwo");
  EXPECT_EQ(request.messages[1].name, "bob");
  EXPECT_EQ(request.messages[1].reasoning, "hm");
  ASSERT_EQ(request.messages[1].tool_calls.size(), 1U);
  EXPECT_EQ(request.messages[1].tool_calls[0].name, "weather");
  EXPECT_EQ(request.messages[2].role, Role::tool);
  EXPECT_EQ(request.messages[2].tool_call_id, "c1");
  EXPECT_EQ(request.sampling.max_tokens, 5U);
  EXPECT_EQ(request.sampling.temperature, 0.5F);
  EXPECT_EQ(request.sampling.top_k, 6U);
  EXPECT_EQ(request.sampling.top_p, 0.9F);
  EXPECT_EQ(request.sampling.min_p, 0.1F);
  EXPECT_EQ(request.sampling.repeat_penalty, 1.1F);
  EXPECT_EQ(request.sampling.repeat_last_n, 64U);
  EXPECT_EQ(request.sampling.presence_penalty, 0.2F);
  EXPECT_EQ(request.sampling.frequency_penalty, 0.3F);
  EXPECT_EQ(request.sampling.seed, 7U);
  EXPECT_THAT(request.sampling.logit_bias, ElementsAre(Pair(3U, -100.F)));
  EXPECT_THAT(request.sampling.stop, ElementsAre("END"));
  EXPECT_EQ(request.sampling.logprobs, 2U);
  EXPECT_EQ(chat.timeout, std::chrono::milliseconds(1500));
  EXPECT_EQ(request.format.kind, inference::ResponseFormat::Kind::json_schema);
  EXPECT_EQ(request.format.source, "{\"type\":\"object\"}");
  ASSERT_EQ(request.tools.size(), 1U);
  EXPECT_EQ(request.tools[0].description, "tells it");
  EXPECT_EQ(request.tool_choice.kind, inference::ToolChoice::Kind::named);
  EXPECT_EQ(request.tool_choice.name, "weather");
  EXPECT_FALSE(request.parallel_tool_calls);
  EXPECT_EQ(request.enable_thinking, true);
}

Result<TimedChat> read_message(std::uint32_t role, std::uint32_t part) {
  wasm::ValueWriter out;
  out.count(1).discriminant(role).count(1).discriminant(part).text("x").bytes({});
  out.present(false).present(false).count(0).present(false);
  return LlmReader{wasm::ValueReader(out.encoded())}.chat();
}

TEST(LlmRead, CasesThatTheContractDoesNotHaveAreTraps) {
  const auto role = read_message(5, 0);
  ASSERT_FALSE(role.ok());
  EXPECT_EQ(role.error().kind(), ErrorKind::guest_trap);
  EXPECT_EQ(role.error().message(), "role has no case 5");
  EXPECT_EQ(read_message(0, 0xffffffffU).error().kind(), ErrorKind::guest_trap);
}

TEST(LlmRead, ImagesAndAudioAreUnsupportedByName) {
  EXPECT_EQ(read_message(2, 1).error().kind(), ErrorKind::unsupported);
  EXPECT_THAT(read_message(2, 1).error().message(), HasSubstr("images"));
  EXPECT_THAT(read_message(2, 2).error().message(), HasSubstr("audio"));
}

TEST(LlmRead, OverlongTextIsRefusedAcrossArguments) {
  const std::string half(kMostText.count / 2 + 1, 'x');
  wasm::ValueWriter out;
  out.count(2).text(half).text(half);
  const auto texts = LlmReader{wasm::ValueReader(out.encoded())}.texts();
  ASSERT_FALSE(texts.ok());
  EXPECT_EQ(texts.error().kind(), ErrorKind::invalid_argument);
  EXPECT_THAT(texts.error().message(), HasSubstr("8 MiB"));
}

TEST(LlmRead, HugeCountsAreRefusedBeforeAnythingIsAllocated) {
  wasm::ValueWriter out;
  out.count(0xffffffffU);
  EXPECT_EQ(LlmReader{wasm::ValueReader(out.encoded())}.chat().error().kind(),
            ErrorKind::invalid_argument);
  EXPECT_EQ(LlmReader{wasm::ValueReader(out.encoded())}.texts().error().kind(),
            ErrorKind::invalid_argument);
  EXPECT_EQ(LlmReader{wasm::ValueReader(out.encoded())}.tokens().error().kind(),
            ErrorKind::invalid_argument);
}

TEST(LlmRead, TheListsOfACallAreBoundedTogether) {
  wasm::ValueWriter out;
  out.count(2);
  for (int i = 0; i < 2; ++i) {
    out.discriminant(2).count(40'000);
    for (int part = 0; part < 40'000; ++part) out.discriminant(0).text("");
    out.present(false).present(false).count(0).present(false);
  }
  const auto chat = LlmReader{wasm::ValueReader(out.encoded())}.chat();
  ASSERT_FALSE(chat.ok());
  EXPECT_THAT(chat.error().message(), HasSubstr("65536"));
}

}  // namespace
}  // namespace quern::guestapi
