#include "inference/plain_tools.hpp"

#include "inference/grammar.hpp"
#include "inference/test_reader.hpp"

#include <gtest/gtest.h>

namespace quern::inference {
namespace {

const std::vector<Tool> kTools = {
    {.name = "weather", .description = "The weather", .parameters = R"({"type":"object",
      "properties":{"city":{"type":"string"}},"required":["city"]})"},
    {.name = "time", .description = "The time", .parameters = R"({"oneOf":[]})"}};

// One entry for each call, its arguments put together.
void join_calls(Answer& answer) {
  std::vector<ToolCallDelta> calls;
  for (ToolCallDelta& delta : answer.tool_calls) {
    if (delta.index < calls.size()) {
      calls[delta.index].arguments += delta.arguments;
    } else {
      calls.push_back(std::move(delta));
    }
  }
  answer.tool_calls = std::move(calls);
}

Answer parse(const std::vector<std::string>& pieces) {
  Answer answer;
  const auto parser = make_calls_parser();
  for (const std::string& piece : pieces) {
    const auto events = parser->add(piece);
    for (const Event& event : events) add_event(answer, event);
  }
  const auto rest = parser->end(AnswerParser::End::whole);
  for (const Event& event : rest) add_event(answer, event);
  EXPECT_EQ(parser->calls_tools(), !answer.tool_calls.empty());
  join_calls(answer);
  return answer;
}

TEST(PlainTools, AreToldInTheSystemMessage) {
  const auto added = tell_tools({{.role = Role::user, .text = "hi"}}, kTools);
  ASSERT_EQ(added.size(), 2U);
  EXPECT_EQ(added[0].role, Role::system);
  EXPECT_NE(added[0].text.find("weather"), std::string::npos);
  const auto joined = tell_tools({{.role = Role::system, .text = "Be kind."}}, kTools);
  ASSERT_EQ(joined.size(), 1U);
  EXPECT_TRUE(joined[0].text.starts_with("Be kind."));
}

TEST(PlainTools, EarlierCallsAndResultsBecomeText) {
  Message call{.role = Role::assistant};
  call.tool_calls.push_back({.id = "1", .name = "weather", .arguments = R"({"city":"Rome"})"});
  const Message result{.role = Role::tool, .text = "sunny", .tool_call_id = "1"};
  const auto told = tell_tools({call, result}, {});
  EXPECT_NE(told[0].text.find(R"({"name":"weather","arguments":{"city":"Rome"}})"),
            std::string::npos);
  EXPECT_TRUE(told[0].tool_calls.empty());
  EXPECT_EQ(told[1].role, Role::user);
  EXPECT_NE(told[1].text.find("sunny"), std::string::npos);
}

TEST(PlainTools, TheSchemaCanBeEnforced) {
  const auto grammar = grammar_of_schema(schema_of_calls(kTools, true));
  ASSERT_TRUE(grammar.ok()) << grammar.error().describe();
  EXPECT_NE(grammar->find("city"), std::string::npos);
}

TEST(PlainTools, CallsAreReadHoweverTheyAreCut) {
  const Answer answer = parse({" {", "\"tool_", "calls\": [{\"name\": \"weather\", \"arg",
                               "uments\": {\"city\": \"Rome\"}}, {\"name\": \"time\"}]}"});
  EXPECT_EQ(answer.text, "");
  ASSERT_EQ(answer.tool_calls.size(), 2U);
  EXPECT_EQ(answer.tool_calls[0].arguments, R"({"city": "Rome"})");
  EXPECT_EQ(answer.tool_calls[1].index, 1U);
  EXPECT_EQ(answer.tool_calls[1].arguments, "{}");
  EXPECT_NE(answer.tool_calls[0].id, answer.tool_calls[1].id);
}

TEST(PlainTools, ACallGoesOutAsItIsWritten) {
  const std::string text = R"({"tool_calls":[{"name":"weather","arguments":{"city":"R}\"o{me"}},)"
                           R"( {"name":"time","arguments":{"in":[{"a":1}]}}]})";
  const auto parser = make_calls_parser();
  Answer answer;
  std::size_t events_before_the_end = 0;
  for (const char c : text) {
    for (const Event& event : parser->add(std::string(1, c))) {
      add_event(answer, event);
      ++events_before_the_end;
    }
  }
  EXPECT_GT(events_before_the_end, 20U);
  EXPECT_TRUE(parser->end(AnswerParser::End::whole).empty());
  join_calls(answer);
  EXPECT_EQ(answer.text, "");
  ASSERT_EQ(answer.tool_calls.size(), 2U);
  EXPECT_EQ(answer.tool_calls[0].name, "weather");
  EXPECT_EQ(answer.tool_calls[0].arguments, R"({"city":"R}\"o{me"})");
  EXPECT_EQ(answer.tool_calls[1].name, "time");
  EXPECT_EQ(answer.tool_calls[1].arguments, R"({"in":[{"a":1}]})");
}

TEST(PlainTools, ACallCutByItsLengthIsACall) {
  const Answer answer = parse({R"({"tool_calls":[{"name":"weather","arguments":{"city":"Ro)"});
  EXPECT_EQ(answer.text, "");
  ASSERT_EQ(answer.tool_calls.size(), 1U);
  EXPECT_EQ(answer.tool_calls[0].name, "weather");
  EXPECT_EQ(answer.tool_calls[0].arguments, R"({"city":"Ro)");
}

TEST(PlainTools, AnotherOrderIsReadAtTheEnd) {
  const Answer answer = parse({R"({"tool_calls":[{"name":"time","arguments":{}},)",
                               R"({"arguments":{"city":"Rome"},"name":"weather"}]})"});
  ASSERT_EQ(answer.tool_calls.size(), 2U);
  EXPECT_EQ(answer.tool_calls[1].name, "weather");
  EXPECT_EQ(answer.tool_calls[1].arguments, R"({"city":"Rome"})");
}

TEST(PlainTools, OtherTextPassesAtOnce) {
  const auto parser = make_calls_parser();
  EXPECT_EQ(parser->add("Hel").size(), 1U);
  EXPECT_EQ(parser->add("lo {\"tool_calls\"").size(), 1U);
  EXPECT_EQ(parse({"{\"tool", "s\": 1}"}).text, "{\"tools\": 1}");
  EXPECT_EQ(parse({"{\"tool_calls\": [{\"name\": \"wea"}).text,
            "{\"tool_calls\": [{\"name\": \"wea");
}

}  // namespace
}  // namespace quern::inference
