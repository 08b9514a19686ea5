#include "capi/request.hpp"

#include <gtest/gtest.h>

#include <string>

namespace quern::capi {
namespace {

using inference::ResponseFormat;
using inference::Role;
using inference::ToolChoice;

std::string error_of(std::string_view json) {
  const auto read = read_chat_request(json);
  return read.ok() ? "accepted" : read.error().describe();
}

std::string with_message(const std::string& members) {
  return R"({"messages":[{"role":"user","content":"hi"}],)" + members + "}";
}

TEST(Request, ReadsAWholeConversation) {
  const auto read = read_chat_request(R"({
    "messages": [
      {"role": "system", "content": "Be brief."},
      {"role": "user", "content": [{"type": "text", "text": "What "}, {"type": "text", "text": "now?"}]},
      {"role": "assistant", "content": null, "reasoning_content": "hm",
       "tool_calls": [{"id": "a", "type": "function", "function": {"name": "time", "arguments": "{}"}}]},
      {"role": "tool", "tool_call_id": "a", "content": "noon"}],
    "tools": [{"type": "function", "function": {"name": "time", "description": "The time.",
               "parameters": {"type": "object"}}}],
    "tool_choice": {"type": "function", "function": {"name": "time"}},
    "parallel_tool_calls": false, "enable_thinking": true,
    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "string"}}},
    "max_tokens": 5, "temperature": 0, "top_k": 3, "top_p": 0.5, "seed": 7, "stop": "END",
    "logit_bias": {"2": -100}, "timeout_ms": 250})");
  ASSERT_TRUE(read.ok()) << read.error().describe();
  const inference::ChatRequest& request = read->request;
  ASSERT_EQ(request.messages.size(), 4U);
  EXPECT_EQ(request.messages[1].text, "What now?");
  EXPECT_EQ(request.messages[2].tool_calls.at(0).name, "time");
  EXPECT_EQ(request.messages[2].reasoning, "hm");
  EXPECT_EQ(request.messages[3].role, Role::tool);
  EXPECT_EQ(request.tools.at(0).parameters, R"({"type":"object"})");
  EXPECT_EQ(request.tool_choice.kind, ToolChoice::Kind::named);
  EXPECT_FALSE(request.parallel_tool_calls);
  EXPECT_EQ(request.enable_thinking, true);
  EXPECT_EQ(request.format.kind, ResponseFormat::Kind::json_schema);
  EXPECT_EQ(request.format.source, R"({"type":"string"})");
  EXPECT_EQ(request.sampling.max_tokens, 5U);
  EXPECT_EQ(request.sampling.temperature, 0.F);
  EXPECT_EQ(request.sampling.stop, std::vector<std::string>{"END"});
  EXPECT_EQ(request.sampling.logit_bias.at(0), (std::pair<std::uint32_t, float>(2, -100)));
  EXPECT_EQ(read->longest, std::chrono::milliseconds(250));
}

TEST(Request, ReadsACompletion) {
  const auto read = read_completion_request(R"({"prompt":"Once","grammar":"root ::= \"a\""})");
  ASSERT_TRUE(read.ok()) << read.error().describe();
  EXPECT_EQ(read->request.prompt, "Once");
  EXPECT_EQ(read->request.format.kind, ResponseFormat::Kind::grammar);
  EXPECT_FALSE(read->longest);
}

TEST(Request, NamesWhatIsWrong) {
  EXPECT_EQ(error_of("{"), "the request is not a JSON object");
  EXPECT_EQ(error_of("[]"), "the request is not a JSON object");
  EXPECT_EQ(error_of("{}"), "messages is missing or empty");
  EXPECT_EQ(error_of(R"({"messages":[1]})"), "messages[0] is not an object");
  EXPECT_EQ(error_of(R"({"messages":[{"role":"king"}]})"),
            "messages[0].role is none of system, developer, user, assistant and tool");
  EXPECT_EQ(error_of(R"({"messages":[{"role":"user","content":[{"type":"image_url"}]}]})"),
            "messages[0].content[0].type is not \"text\"; models take nothing else here");
  EXPECT_EQ(error_of(with_message(R"("temprature":1)")), "temprature is not known here");
  EXPECT_EQ(error_of(with_message(R"("max_tokens":-1)")),
            "max_tokens is not a whole number from 0 to 4294967295");
  EXPECT_EQ(error_of(with_message(R"("logit_bias":{"x":1})")),
            "logit_bias does not map token numbers to numbers");
  EXPECT_EQ(error_of(with_message(R"("tools":[{"type":"function"}])")),
            "tools[0].function is missing");
  EXPECT_EQ(error_of(with_message(R"("response_format":{"type":"json_schema"})")),
            "response_format.json_schema is missing");
  EXPECT_EQ(error_of(with_message(R"("response_format":{"type":"json_object"},"grammar":"x")")),
            "grammar cannot shape an answer beside response_format");
}

TEST(Request, IsNotReadForEver) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_EQ(error_of(with_message("\"stop\":" + deep)), "the request is nested too deep");
  EXPECT_EQ(error_of("{\"messages\":\"" + std::string((64U << 20U) + 1, 'x') + "\"}"),
            "the request is larger than 64 MiB");
  std::string many;
  for (int i = 0; i < 5000; ++i) many += (i == 0 ? "\"m" : ",\"m") + std::to_string(i) + "\":0";
  EXPECT_EQ(error_of(with_message("\"logit_bias\":{" + many + "}")),
            "the request has an object of more than 4096 members");
}

}  // namespace
}  // namespace quern::capi
