#include "logs/filters.hpp"

#include "base/fakes.hpp"

#include "logs/json.hpp"
#include "logs/msgpack.hpp"
#include "logs/record.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quern::logs {
namespace {

using namespace std::chrono_literals;

using Made = Result<std::unique_ptr<Filter>>;

constexpr EventTime kNow{.seconds = 1'795'340'401};

struct World {
  FakeFiles files;
  ManualClock clock;
  FakeNetwork network;
  FakeProcess process;
  StageWorld world{files, clock, network, process, "/state", "/pipes", "stage"};

  Made make(std::string_view type, std::string_view toml) {
    Settings settings = TRY(Settings::parse(toml, "pipe.toml"));
    Makers makers;
    add_filters(makers, std::make_shared<const Parsers>());
    auto made = TRY(makers.filters.find(type)->second(settings, world));
    TRY(settings.finish());
    return made;
  }
  std::unique_ptr<Filter> filter(std::string_view type, std::string_view toml) {
    Made made = make(type, toml);
    EXPECT_TRUE(made.ok()) << made.error().describe();
    return *std::move(made);
  }
  std::string refusal(std::string_view type, std::string_view toml) {
    const Made made = make(type, toml);
    return made.ok() ? "" : made.error().describe();
  }
};

void add(Batch& batch, std::string_view json, std::string_view tag = "t") {
  Buffer record;
  EXPECT_TRUE(from_json(json, record).ok()) << json;
  batch.add(tag, kNow, record);
}

Batch lines(std::initializer_list<std::string_view> all, std::string_view tag = "t") {
  Batch batch;
  for (const std::string_view line : all) {
    Buffer record;
    msgpack::Writer writer(record);
    writer.map(1);
    writer.string("log");
    writer.string(line);
    batch.add(tag, kNow, record);
  }
  return batch;
}

// Records as JSON, one a line, "TAG " before those of other tags than "t".
std::string shown(const Batch& batch) {
  std::string all;
  for (const Entry& entry : batch) {
    if (entry.tag != "t") all += std::string(entry.tag) + " ";
    EXPECT_TRUE(msgpack::to_json(entry.record, all).ok());
    all += '\n';
  }
  return all;
}

std::string one(Filter& filter, std::string_view json) {
  Batch batch;
  add(batch, json);
  return shown(filter.apply(std::move(batch), {}).kept);
}

TEST(ParseFilter, FieldsComeOfText) {
  World w;
  const auto parse = w.filter("parse", "parser = [\"json\", \"logfmt\"]");
  EXPECT_EQ(one(*parse, R"({"log":"{\"a\":1}","k":2})"), "{\"a\":1}\n");
  EXPECT_EQ(one(*parse, R"({"log":"a=1","k":2})"), "{\"a\":\"1\"}\n");
  EXPECT_EQ(one(*parse, R"({"log":"neither"})"), "{\"log\":\"neither\"}\n");
  const auto reserve = w.filter("parse", "parser = \"logfmt\"\nreserve_data = true\nkey = \"m\"");
  EXPECT_EQ(one(*reserve, R"({"m":"a=1","k":2,"a":0})"), "{\"k\":2,\"a\":\"1\"}\n");
  const auto both = w.filter("parse", "parser = \"logfmt\"\npreserve_key = true");
  EXPECT_EQ(one(*both, R"({"log":"a=1","k":2})"), "{\"log\":\"a=1\",\"a\":\"1\"}\n");
}

TEST(ParseFilter, FaultsGoWhereTheyShould) {
  World w;
  for (const auto& [policy, kept, dead, dropped] :
       {std::tuple("pass", 1U, 0U, 0U), std::tuple("drop", 0U, 0U, 1U),
        std::tuple("dead_letter", 0U, 1U, 0U)}) {
    const auto parse =
        w.filter("parse", "parser = \"json\"\non_fault = \"" + std::string(policy) + "\"");
    const Filtered out = parse->apply(lines({"no"}), {});
    EXPECT_EQ(out.kept.size(), kept);
    EXPECT_EQ(out.dead.size(), dead);
    EXPECT_EQ(out.dropped, dropped);
    EXPECT_EQ(out.faults, 1U);
  }
}

TEST(ParseFilter, WhatBecomesTooLargeIsAFault) {
  World w;
  const auto parse =
      w.filter("parse", "parser = \"logfmt\"\npreserve_key = true\non_fault = \"dead_letter\"");
  const std::string line = "a=" + std::string(600'000, 'x');
  const Filtered out = parse->apply(lines({line}), {});
  EXPECT_EQ(out.kept.size(), 0U);
  ASSERT_EQ(out.dead.size(), 1U);
  EXPECT_EQ(line_of(out.dead[0].record), line);
}

TEST(MaskFilter, WhatWouldBecomeTooLargeLosesItsSecretsAllTheSame) {
  World w;
  const auto mask =
      w.filter("mask", "patterns = [\"s\"]\nwith = \"" + std::string(1000, '*') + "\"");
  const std::string line = "<" + std::string(10'000, 's') + ">" + std::string(500'000, 'x');
  const Filtered out = mask->apply(lines({"s", line}), {});
  ASSERT_EQ(out.kept.size(), 2U);
  EXPECT_EQ(line_of(out.kept[0].record), std::string(1000, '*'));
  EXPECT_EQ(line_of(out.kept[1].record), "<>" + std::string(500'000, 'x'));
}

TEST(ParseFilter, PiecesOfContainersAreJoined) {
  World w;
  const auto parse = w.filter("parse", "parser = \"cri\"");
  Filtered out = parse->apply(
      lines({"2026-11-22T09:40:01Z stdout P one ", "2026-11-22T09:40:02Z stderr F other",
             "2026-11-22T09:40:03Z stdout P two ", "2026-11-22T09:40:04Z stdout F three"}),
      {});
  EXPECT_EQ(shown(out.kept),
            "{\"stream\":\"stderr\",\"message\":\"other\"}\n"
            "{\"stream\":\"stdout\",\"message\":\"one two three\"}\n");
  EXPECT_EQ(out.kept[1].time.seconds, 1'795'340'401U);
  // One whose end never comes goes on after a while.
  out = parse->apply(lines({"2026-11-22T09:40:01Z stdout P half"}), {});
  EXPECT_TRUE(out.kept.empty());
  EXPECT_TRUE(parse->flush(Due::by_time).kept.empty());
  w.clock.advance(2s);
  EXPECT_EQ(shown(parse->flush(Due::by_time).kept),
            "{\"stream\":\"stdout\",\"message\":\"half\"}\n");
}

TEST(ParseFilter, JoinedPiecesMakeNoRecordTooLarge) {
  World w;
  const auto parse = w.filter("parse", "parser = \"cri\"\nreserve_data = true");
  const std::string other = std::string(820'000, 'o');
  Batch batch;
  for (const std::string_view tag : {"P", "P", "F"}) {
    add(batch, R"({"log":"2026-11-22T09:40:01Z stdout )" + std::string(tag) + " " +
                   std::string(80'000, 'x') + R"(","k":")" + other + "\"}");
  }
  const Filtered out = parse->apply(std::move(batch), {});
  EXPECT_EQ(out.kept.size(), 2U);
  for (const Entry& entry : out.kept) EXPECT_LE(entry.record.size(), kLargestRecord.count);
}

TEST(ParseFilter, AnEndlessLineIsCut) {
  World w;
  const auto parse = w.filter("parse", "parser = \"cri\"\njoin_bytes = \"1 KiB\"");
  std::size_t records = 0;
  for (int n = 0; n < 100; ++n) {
    const std::string line = "2026-11-22T09:40:01Z stdout P " + std::string(100, 'x');
    records += parse->apply(lines({line}), {}).kept.size();
  }
  EXPECT_EQ(records, 9U);
  EXPECT_EQ(parse->flush(Due::all).kept.size(), 1U);
}

TEST(Multiline, LinesBelongToTheFirst) {
  World w;
  const auto join = w.filter("multiline", "start = '^\\d{4}-'");
  Filtered out = join->apply(lines({"before", "2026-1 a", "  b", "c", "2026-2 d"}), {});
  EXPECT_EQ(shown(out.kept), "{\"log\":\"before\"}\n{\"log\":\"2026-1 a\\n  b\\nc\"}\n");
  // Other tags do not mix.
  out = join->apply(lines({"e"}, "u"), {});
  EXPECT_EQ(shown(out.kept), "u {\"log\":\"e\"}\n");
  w.clock.advance(2s);
  EXPECT_EQ(shown(join->flush(Due::by_time).kept), "{\"log\":\"2026-2 d\"}\n");
}

TEST(Multiline, StacksOfLanguages) {
  World w;
  const auto join = w.filter("multiline", "builtin = [\"java\", \"python\", \"go\"]");
  Filtered out = join->apply(lines({"plain",
                                    "java.lang.IllegalStateException: x",
                                    "\tat a.b.C.d(C.java:1)",
                                    "Caused by: java.io.IOException: y",
                                    "\t... 3 more",
                                    "plain again",
                                    "Traceback (most recent call last):",
                                    "  File \"a.py\", line 1, in <module>",
                                    "    f()",
                                    "ValueError: bad",
                                    "",
                                    "During handling of the above exception, another:",
                                    "",
                                    "Traceback (most recent call last):",
                                    "  File \"b.py\"",
                                    "KeyError: 'k'",
                                    "after",
                                    "panic: runtime error: index out of range",
                                    "",
                                    "goroutine 1 [running]:",
                                    "main.main()",
                                    "\t/app/main.go:5 +0x1",
                                    "exit status 2",
                                    "end of it"}),
                             {});
  EXPECT_EQ(out.kept.size(), 7U) << shown(out.kept);
  EXPECT_THAT(shown(out.kept), testing::HasSubstr("3 more\"}\n{\"log\":\"plain again\"}\n"));
  EXPECT_THAT(shown(out.kept), testing::HasSubstr("KeyError: 'k'\"}\n{\"log\":\"after\"}\n"));
  EXPECT_THAT(shown(out.kept), testing::HasSubstr("exit status 2\"}\n{\"log\":\"end of it\"}\n"));
}

TEST(Multiline, WhatNeverEndsIsBounded) {
  World w;
  const auto join = w.filter("multiline", R"(start = "^start"
max_lines = 10
max_streams = 3)");
  std::size_t records = join->apply(lines({"start"}), {}).kept.size();
  for (int n = 0; n < 99; ++n) records += join->apply(lines({"more"}), {}).kept.size();
  EXPECT_EQ(records, 9U);
  for (int n = 0; n < 10; ++n) join->apply(lines({"start"}, "u" + std::to_string(n)), {});
  EXPECT_EQ(join->figures().front().value, 3);
  EXPECT_EQ(join->flush(Due::all).kept.size(), 3U);
  EXPECT_EQ(join->figures().front().value, 0);
}

TEST(Grep, KeepsAndDropsByFields) {
  World w;
  const auto grep = w.filter("grep", R"(include = { "@line" = "error|warn", "k.ns" = "^prod$" }
exclude = { code = "^404$" })");
  Batch batch;
  add(batch, R"({"log":"an error","k":{"ns":"prod"},"code":500})");
  add(batch, R"({"log":"an error","k":{"ns":"dev"}})");
  add(batch, R"({"log":"fine","k":{"ns":"prod"}})");
  add(batch, R"({"log":"a warning","k":{"ns":"prod"},"code":404})");
  const Filtered out = grep->apply(std::move(batch), {});
  EXPECT_EQ(shown(out.kept), "{\"log\":\"an error\",\"k\":{\"ns\":\"prod\"},\"code\":500}\n");
  EXPECT_EQ(out.dropped, 3U);
  const auto any = w.filter("grep", "include = { a = \"x\", b = \"x\" }\nlogic = \"or\"");
  EXPECT_EQ(one(*any, R"({"b":"x"})"), "{\"b\":\"x\"}\n");
  EXPECT_THAT(w.refusal("grep", "include = { a = \"(\" }"), testing::HasSubstr("a: no regular"));
  EXPECT_THAT(w.refusal("grep", ""), testing::HasSubstr("include"));
}

TEST(Modify, FieldsComeGoAndMove) {
  World w;
  const auto modify = w.filter("modify", R"(
rename = { a = "b", x = "y" }
hard_rename = { c = "d" }
copy = { e = "f" }
lift = ["k8s"]
nest = ["http_*"]
nest_under = "http"
remove = ["tmp*"]
set = { env = "prod" }
add = { env = "dev", zone = "eu" })");
  EXPECT_EQ(
      one(*modify, R"({"a":1,"x":2,"y":3,"c":4,"d":5,"e":6,"k8s":{"pod":"p"},"http_code":200,)"
                   R"("tmp1":0,"http_path":"/","env":"x"})"),
      R"({"x":2,"y":3,"d":4,"e":6,"env":"prod","b":1,"f":6,"pod":"p",)"
      R"("http":{"http_code":200,"http_path":"/"},"zone":"eu"})"
      "\n");
  const auto when = w.filter("modify", R"(when = { level = "^err" }
when_exists = ["a"]
when_absent = ["b"]
set = { hit = "yes" })");
  EXPECT_THAT(one(*when, R"({"level":"error","a":1})"), testing::HasSubstr("hit"));
  for (const char* other :
       {R"({"level":"info","a":1})", R"({"level":"error"})", R"({"level":"error","a":1,"b":2})"}) {
    EXPECT_THAT(one(*when, other), testing::Not(testing::HasSubstr("hit")));
  }
}

TEST(Throttle, SoManyInATime) {
  World w;
  const auto throttle = w.filter("throttle", "rate = 2\nwindow = \"1s\"\nkey = \"@tag\"");
  Filtered out = throttle->apply(lines({"1", "2", "3"}), {});
  EXPECT_EQ(out.kept.size(), 2U);
  EXPECT_EQ(out.dropped, 1U);
  EXPECT_EQ(throttle->apply(lines({"1"}, "u"), {}).kept.size(), 1U);
  w.clock.advance(500ms);
  EXPECT_EQ(throttle->apply(lines({"1", "2", "3"}), {}).kept.size(), 1U);
  w.clock.advance(10s);
  EXPECT_EQ(throttle->apply(lines({"1", "2", "3"}), {}).kept.size(), 2U);
}

TEST(Throttle, MadeUpKeysShareWhatIsLeft) {
  World w;
  const auto throttle = w.filter("throttle", "rate = 1\nkey = \"log\"\nmax_keys = 10");
  std::size_t kept = 0;
  for (int n = 0; n < 1000; ++n)
    kept += throttle->apply(lines({std::to_string(n)}), {}).kept.size();
  EXPECT_LE(kept, 11U);
}

TEST(Dedupe, TheSameIsToldOnce) {
  World w;
  const auto dedupe = w.filter("dedupe", "window = \"10s\"\nmax_keys = 3");
  EXPECT_EQ(dedupe->apply(lines({"a", "a", "b"}), {}).kept.size(), 2U);
  EXPECT_EQ(dedupe->apply(lines({"a"}, "u"), {}).kept.size(), 1U);
  EXPECT_EQ(dedupe->apply(lines({"a", "b"}), {}).dropped, 2U);
  // A fourth pushes the oldest out.
  EXPECT_EQ(dedupe->apply(lines({"c", "a"}), {}).kept.size(), 2U);
  w.clock.advance(10s);
  EXPECT_EQ(dedupe->apply(lines({"c"}), {}).kept.size(), 1U);
}

TEST(Sample, OneOfManyOrAShareByKey) {
  World w;
  const auto every = w.filter("sample", "rate = 3");
  EXPECT_EQ(every->apply(lines({"1", "2", "3", "4", "5", "6", "7"}), {}).kept.size(), 3U);
  const auto share = w.filter("sample", "rate = 10\nkey = \"log\"");
  std::size_t kept = 0;
  for (int n = 0; n < 1000; ++n) {
    const std::size_t first = share->apply(lines({std::to_string(n)}), {}).kept.size();
    EXPECT_EQ(share->apply(lines({std::to_string(n)}), {}).kept.size(), first);
    kept += first;
  }
  EXPECT_GT(kept, 50U);
  EXPECT_LT(kept, 200U);
}

TEST(RewriteTag, TagsComeOfFields) {
  World w;
  const auto rewrite = w.filter("rewrite_tag", R"(key = "app"
pattern = '^(\w+)-(\d+)?'
tag = "$TAG.$1.$2")");
  EXPECT_EQ(one(*rewrite, R"({"app":"web-7"})"), "t.web.7 {\"app\":\"web-7\"}\n");
  EXPECT_EQ(one(*rewrite, R"({"app":"web-x"})"), "t.web. {\"app\":\"web-x\"}\n");
  EXPECT_EQ(one(*rewrite, R"({"app":"?"})"), "{\"app\":\"?\"}\n");
  const auto both = w.filter("rewrite_tag", "pattern = '(.*)'\ntag = \"$1\"\nkeep = true");
  EXPECT_EQ(both->apply(lines({std::string(1000, 'x')}), {}).kept[1].tag.size(), kLongestTag);
}

TEST(Mask, SecretsAreBlottedOutWhereverTheyStand) {
  World w;
  const auto mask =
      w.filter("mask", "builtin = [\"email\", \"card\", \"token\"]\npatterns = [\"id=(\\\\d+)\"]");
  EXPECT_EQ(
      one(*mask,
          R"({"log":"from a.b@c.example to x id=77 ok","m":{"l":["4111 1111 1111 1111","4111 1111 1111 1112"]}})"),
      "{\"log\":\"from *** to x id=*** ok\",\"m\":{\"l\":[\"***\",\"4111 1111 1111 1112\"]}}\n");
  EXPECT_EQ(one(*mask, R"({"log":"Authorization: Bearer abcdef.ghi password=\"hunter22\" x"})"),
            "{\"log\":\"Authorization: Bearer *** password=\\\"***\\\" x\"}\n");
  EXPECT_EQ(one(*mask, R"({"a@b.example":1,"n":5})"), "{\"***\":1,\"n\":5}\n");
  const Filtered out = mask->apply(lines({"nothing", "a@b.example", "nothing"}), {});
  EXPECT_EQ(out.kept.size(), 3U);
  EXPECT_GT(mask->figures().front().value, 4);
}

}  // namespace
}  // namespace quern::logs
