#include "json_input.hpp"
#include "json_writer.hpp"
#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace quern::chat {
namespace {

TEST(JsonWriter, PutsCommasWhereTheyBelong) {
  JsonWriter json;
  json.begin_object().field("a", 1U).key("b").begin_array().number(2U).begin_object().end_object();
  json.text("x").end_array().field("c", true).key("d").null().end_object();
  EXPECT_EQ(std::move(json).take(), R"({"a":1,"b":[2,{},"x"],"c":true,"d":null})");
}

TEST(JsonWriter, EscapesAndRepairsText) {
  JsonWriter json;
  json.text("\"\\\n\x01\x7F\xC3\xA9\xF0\x9F\x98\x80");
  EXPECT_EQ(std::move(json).take(), "\"\\\"\\\\\\n\\u0001\\u007f\xC3\xA9\xF0\x9F\x98\x80\"");
}

TEST(JsonWriter, GivesReplacementForEveryKindOfBrokenUtf8) {
  const std::string replaced = "\xEF\xBF\xBD";
  for (const std::string broken : {"\xFF", "\xC3", "\x80", "\xC0\xAF", "\xED\xA0\x80",
                                   "\xE0\x9F\x80", "\xF5\x80\x80\x80", "\xF4\x90\x80\x80"}) {
    const std::string text = valid_utf8("a" + broken + "b");
    EXPECT_TRUE(text.starts_with("a" + replaced)) << text;
    EXPECT_TRUE(text.ends_with("b")) << text;
    JsonWriter json;
    json.text("a" + broken + "b");
    EXPECT_FALSE(Json::parse(std::move(json).take(), nullptr, false).is_discarded());
  }
}

TEST(JsonWriter, WritesNumbersThatReadBackTheSame) {
  for (const float value : {0.1F, -1.5e-8F, 3.4e38F, 0.0F, 16777216.0F}) {
    JsonWriter json;
    json.number(value);
    EXPECT_EQ(std::stof(std::move(json).take()), value);
  }
  JsonWriter json;
  json.begin_array().number(-std::numeric_limits<float>::infinity()).number(0.1F).end_array();
  EXPECT_EQ(std::move(json).take(), "[-9999.0,0.1]");
}

std::string code_of(const std::string& body) {
  const auto json = read_json_object(body);
  return json ? "ok" : json.error().code + "/" + std::to_string(json.error().status);
}

TEST(JsonInput, TakesAnObject) { EXPECT_EQ(code_of(R"({"a": [1, "{{[", {"b": null}]})"), "ok"); }

TEST(JsonInput, RefusesWhatIsNoJsonObject) {
  EXPECT_EQ(code_of("[1]"), "invalid_type/400");
  for (const char* body :
       {"", "{", "{\"a\":}", "nul", "{\"a\":\"\xFF\"}", "{\"a\":1e999}", "{\"a\":\"\\"}) {
    EXPECT_EQ(code_of(body), "/400") << body;
  }
}

std::string repeated(const std::string& text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST(JsonInput, BoundsNesting) {
  const auto nested = [](std::size_t depth) {
    return "{\"a\":" + repeated("[", depth - 1) + repeated("]", depth - 1) + "}";
  };
  EXPECT_EQ(code_of(nested(kMaxDepth)), "ok");
  EXPECT_EQ(code_of(nested(kMaxDepth + 1)), "invalid_value/400");
  EXPECT_EQ(code_of(repeated("{\"a\":", 1'000'000)), "invalid_value/400");
}

TEST(JsonInput, BoundsKeysOfAnObjectAndValuesOfTheBody) {
  std::string keys = "{";
  for (std::size_t i = 0; i < kMaxKeys; ++i) keys += "\"k" + std::to_string(i) + "\":0,";
  keys.back() = '}';
  EXPECT_EQ(code_of(keys), "ok");
  keys.back() = ',';
  EXPECT_EQ(code_of(keys + "\"one more\":0}"), "invalid_value/400");
  EXPECT_EQ(code_of("{\"a\":[0" + repeated(",0", kMaxValues + 1) + "]}"), "invalid_value/400");
}

TEST(JsonInput, BoundsTheBody) {
  EXPECT_EQ(code_of("{\"a\":\"" + std::string(kMaxBodyBytes, 'x') + "\"}"),
            "request_too_large/413");
}

}  // namespace
}  // namespace quern::chat
