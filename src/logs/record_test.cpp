#include "logs/record.hpp"

#include "logs/json.hpp"
#include "logs/msgpack.hpp"
#include "logs/stage.hpp"
#include <gtest/gtest.h>

namespace quern::logs {
namespace {

Buffer record(std::string_view json) {
  Buffer out;
  EXPECT_TRUE(from_json(json, out).ok()) << json;
  return out;
}

std::string json(const Result<Buffer>& object) {
  std::string out;
  EXPECT_TRUE(object.ok());
  EXPECT_TRUE(msgpack::to_json(*object, out).ok());
  return out;
}

TEST(Record, FieldsByNameAndByPath) {
  const Buffer one = record(R"({"a":{"b":{"c":"deep"}},"a.b":"own","n":5})");
  EXPECT_EQ(text_field(one, "a.b"), "own");
  EXPECT_EQ(text_field(one, "a.b.c"), "deep");
  EXPECT_FALSE(text_field(one, "n"));
  EXPECT_TRUE(field(one, "n"));
  EXPECT_FALSE(field(one, "x"));
  EXPECT_FALSE(field(as_bytes("\x05"), "x"));
}

TEST(Record, TheLineIsWhereLinesAre) {
  EXPECT_EQ(line_of(record(R"({"level":"x","message":"m"})")), "m");
  EXPECT_EQ(line_of(record(R"({"n":1,"text":"t"})")), "t");
  EXPECT_FALSE(line_of(record(R"({"n":1})")));
}

TEST(Record, FieldsAreReplacedAddedAndRemoved) {
  const Buffer one = record(R"({"a":1,"b":2})");
  EXPECT_EQ(json(with_text(one, "a", "x")), R"({"a":"x","b":2})");
  EXPECT_EQ(json(with_text(one, "c", "x")), R"({"a":1,"b":2,"c":"x"})");
  EXPECT_EQ(json(without_field(one, "a")), R"({"b":2})");
  EXPECT_EQ(json(merged(one, record(R"({"b":3,"c":4})"))), R"({"a":1,"b":3,"c":4})");
  EXPECT_FALSE(with_text(as_bytes("\x05"), "a", "x").ok());
}

TEST(Record, TheDeadSayWhy) {
  Batch batch;
  Batch dead;
  batch.add("t", {.seconds = 3}, record(R"({"a":1})"), record(R"({"k":2})"));
  mark_dead(dead, batch[0], "redact", "it\nfailed");
  EXPECT_EQ(json(Buffer(dead[0].metadata.begin(), dead[0].metadata.end())),
            R"({"k":2,"quern":{"stage":"redact","reason":"it?failed"}})");
  EXPECT_EQ(dead[0].time.seconds, 3U);
}

TEST(Record, TagsMatchPatterns) {
  for (const auto& [pattern, tag, matches] :
       {std::tuple("*", "", true), std::tuple("app.*", "app.x.y", true),
        std::tuple("app.*", "app", false), std::tuple("*.log", "a.log.log", true),
        std::tuple("a*b*c", "axxbyyc", true), std::tuple("a*b*c", "axxbyy", false),
        std::tuple("app", "app", true), std::tuple("", "a", false)}) {
    EXPECT_EQ(tag_matches(pattern, tag), matches) << pattern << " " << tag;
  }
}

}  // namespace
}  // namespace quern::logs
