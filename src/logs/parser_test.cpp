#include "logs/parser.hpp"

#include "logs/msgpack.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quern::logs {
namespace {

constexpr EventTime kNow{.seconds = 1'795'340'401};  // 2026-11-22T09:40:01Z

Parsers parsers(std::string_view toml) {
  Result<Settings> file = Settings::parse(toml, "pipe.toml");
  EXPECT_TRUE(file.ok()) << file.error().describe();
  Result<Parsers> all = Parsers::read(*file);
  EXPECT_TRUE(all.ok()) << all.error().describe();
  return all.ok() ? *std::move(all) : Parsers();
}

std::string refusal(std::string_view toml) {
  Result<Settings> file = Settings::parse(toml, "pipe.toml");
  EXPECT_TRUE(file.ok());
  Result<Parsers> all = Parsers::read(*file);
  return all.ok() ? "" : all.error().describe();
}

std::string parsed(const Parser& parser, std::string_view text) {
  const Result<Parsed> got = parser.parse(text, kNow);
  if (!got.ok()) return "NO";
  std::string out = got->time ? iso8601(*got->time) + " " : "";
  if (got->piece) out += got->piece->last ? "F " : "P ";
  EXPECT_TRUE(msgpack::to_json(got->record, out).ok());
  return out;
}

std::string parsed(std::string_view name, std::string_view text) {
  return parsed(*Parsers().find(name), text);
}

TEST(Parser, Json) {
  EXPECT_EQ(parsed("json", R"({"a":{"b":1}})"), R"({"a":{"b":1}})");
  EXPECT_EQ(parsed("json", "[1]"), "NO");
  EXPECT_EQ(parsed("json", "no"), "NO");
}

TEST(Parser, Logfmt) {
  EXPECT_EQ(parsed("logfmt", R"(level=info msg="a \"b\"\n" dry  empty= n=5 x="open)"),
            R"({"level":"info","msg":"a \"b\"\n","dry":true,"empty":"","n":"5","x":"open"})");
  EXPECT_EQ(parsed("logfmt", "just some words"), "NO");
  EXPECT_EQ(parsed("logfmt", ""), "NO");
  EXPECT_EQ(parsed("logfmt", "=x =\"y\" a=1"), R"({"x":true,"y":true,"a":"1"})");
}

TEST(Parser, Ltsv) {
  EXPECT_EQ(parsed("ltsv", "host:127.0.0.1\ttime:[1:2]\t:x\tbad"),
            R"({"host":"127.0.0.1","time":"[1:2]"})");
  EXPECT_EQ(parsed("ltsv", "words"), "NO");
}

TEST(Parser, LinesOfContainers) {
  EXPECT_EQ(parsed("cri", "2026-11-22T09:40:01.5+00:00 stdout P half"),
            R"(2026-11-22T09:40:01.500000000Z P {"stream":"stdout","message":"half"})");
  EXPECT_EQ(parsed("cri", "2026-11-22T09:40:01Z stderr F:x  two  words"),
            R"(2026-11-22T09:40:01.000000000Z F {"stream":"stderr","message":" two  words"})");
  EXPECT_EQ(parsed("cri", "2026-11-22T09:40:01Z stdout F"),
            R"(2026-11-22T09:40:01.000000000Z F {"stream":"stdout","message":""})");
  for (const std::string_view no : {"", "2026-11-22T09:40:01Z", "2026-11-22T09:40:01Z stdout ",
                                    "2026-11-22T09:40:01Z stdout X a", "a stdout F b"}) {
    EXPECT_EQ(parsed("cri", no), "NO") << no;
  }
  EXPECT_EQ(parsed("docker", R"({"log":"a\n","stream":"stdout","time":"2026-11-22T09:40:01Z"})"),
            R"(2026-11-22T09:40:01.000000000Z F {"log":"a","stream":"stdout"})");
  EXPECT_EQ(parsed("docker", R"({"log":"a","stream":"stdout","time":"soon"})"),
            R"(P {"log":"a","stream":"stdout","time":"soon"})");
  EXPECT_EQ(parsed("docker", R"({"a":"b"})"), "NO");
}

TEST(Parser, RegexWithTimeAndTypes) {
  const Parsers all = parsers(R"(
[[parser]]
name = "access"
type = "regex"
pattern = '^(?<host>\S+) (?P<code>\d+) (?<bytes>[\d.]+|-) \[(?<time>[^\]]*)\](?: (?<ok>\w+))?$'
time_key = "time"
time_format = "%d/%b/%Y:%H:%M:%S %z"
types = { code = "integer", bytes = "float", ok = "bool" }
)");
  const Parser& access = *all.find("access");
  EXPECT_EQ(parsed(access, "h 200 1.5 [22/Nov/2026:10:40:01 +0100] true"),
            R"(2026-11-22T09:40:01.000000000Z {"host":"h","code":200,"bytes":1.5,"ok":true})");
  // What is no number stays, and so does what is no time; a group that took no part is not there.
  EXPECT_EQ(parsed(access, "h 200 - [today]"),
            R"({"host":"h","code":200,"bytes":"-","time":"today"})");
  EXPECT_EQ(parsed(access, "other"), "NO");
}

TEST(Parser, TimesOfJson) {
  const Parsers all = parsers(R"(
[[parser]]
name = "app"
type = "json"
time_key = "ts"
time_format = "unix"
keep_time = true
types = { id = "string" }
)");
  EXPECT_EQ(parsed(*all.find("app"), R"({"ts":1795340401.5,"id":7})"),
            R"(2026-11-22T09:40:01.500000000Z {"ts":1795340401.5,"id":"7"})");
}

TEST(Parser, WhatIsWrongInAFileIsNamed) {
  EXPECT_THAT(refusal("[[parser]]\nname = \"a\"\ntype = \"regex\"\npattern = '(?<x>a'"),
              testing::HasSubstr("pipe.toml:4: pattern in [[parser]] a: no regular expression"));
  EXPECT_THAT(refusal("[[parser]]\nname = \"a\"\ntype = \"regex\"\npattern = 'a'"),
              testing::HasSubstr("has no named group"));
  EXPECT_THAT(refusal("[[parser]]\nname = \"json\"\ntype = \"json\""),
              testing::HasSubstr("is taken"));
  EXPECT_THAT(refusal("[[parser]]\nname = \"a\"\ntype = \"jsn\""), testing::HasSubstr("json"));
  EXPECT_THAT(refusal("[[parser]]\nname = \"a\""), testing::HasSubstr("type"));
  EXPECT_THAT(
      refusal("[[parser]]\nname = \"a\"\ntype = \"json\"\ntime_key = \"t\"\ntime_format = \"%Q\""),
      testing::HasSubstr("%Q"));
  EXPECT_THAT(refusal("[[parser]]\nname = \"a\"\ntype = \"json\"\nzone = \"UTC\""),
              testing::HasSubstr("unknown key"));
  EXPECT_THAT(refusal("[[parser]]\nname = \"a\"\ntype = \"json\"\ntypes = { a = \"int\" }"),
              testing::HasSubstr("integer"));
}

}  // namespace
}  // namespace quern::logs
