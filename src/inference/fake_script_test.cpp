#include "inference/inference.hpp"

#include <gtest/gtest.h>

namespace quern::inference {
namespace {

TEST(FakeScript, ReadsEveryKindOfEntry) {
  const auto script = parse_fake_script(R"([
    {"when": "weather", "say": ["It ", "rains."], "delay_ms": 5},
    {"when": "tool", "call": {"name": "now", "arguments": "{\"zone\":\"UTC\"}"}},
    {"when": "busy", "error": "resource_exhausted", "message": "full"},
    {"say": ["Hello."]}
  ])");
  ASSERT_TRUE(script.ok()) << script.error().describe();
  ASSERT_EQ(script->size(), 4U);
  const ScriptLine& weather = script->at(0);
  EXPECT_EQ(weather.when, "weather");
  EXPECT_EQ(weather.delay_per_event, std::chrono::milliseconds(5));
  EXPECT_EQ(std::get<Content>(weather.events.at(1)).text, "rains.");
  EXPECT_EQ(std::get<ToolCallDelta>(script->at(1).events.at(0)).name, "now");
  EXPECT_EQ(script->at(2).error->kind(), ErrorKind::resource_exhausted);
  EXPECT_EQ(script->at(3).when, "");
}

TEST(FakeScript, SaysWhatIsWrongAndWhere) {
  const auto message = [](std::string_view text) {
    const auto script = parse_fake_script(text);
    return script.ok() ? std::string("accepted") : script.error().describe();
  };
  EXPECT_EQ(message("{"), "a script is a JSON list of objects");
  EXPECT_EQ(message("[1]"), "entry 1: it is no object");
  EXPECT_EQ(message(R"([{"say":["a"]},{"sya":["a"]}])"), "entry 2: unknown key \"sya\"");
  EXPECT_EQ(message(R"([{"say":"a"}])"), "entry 1: say is no list of strings");
  EXPECT_EQ(message(R"([{"error":"oops"}])"), "entry 1: no error is called \"oops\"");
  EXPECT_EQ(message(R"([{"delay_ms":-1}])"), "entry 1: delay_ms is no number");
}

}  // namespace
}  // namespace quern::inference
