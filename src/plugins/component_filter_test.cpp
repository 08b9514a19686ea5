// Components as filters: what they get and give, and what becomes of a record when one misbehaves.
// The guest is guests/hostile/log_filter.cpp, which does what a record says.
#include "guestapi/guestapi.hpp"

#include "plugins/test_support.hpp"
#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace quern::plugins {
namespace {

using namespace testing;
using logs::Filtered;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string act(std::string_view word) { return R"({"do":")" + std::string(word) + "\"}"; }

struct NoModels final : guestapi::ModelProvider {
  std::shared_ptr<inference::Model> loaded(std::string_view) const override { return nullptr; }
  Result<std::shared_ptr<inference::Model>> open(std::string_view) override {
    return fail(ErrorKind::not_found, "no model is here");
  }
  std::vector<inference::ModelInfo> available() const override { return {}; }
};

class ComponentFilterTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<logs::Filter>> make(const std::string& more,
                                             const std::string& file = "log_filter.wasm") {
    Settings settings = TRY(Settings::parse("file = \"" + file + "\"\n" + more, "pipe.toml"));
    auto made = TRY(make_component_filter(
        settings, world.stage(), {.engine = shared_engine(), .api = api, .need_models = {}}));
    TRY(settings.finish());
    return made;
  }
  std::unique_ptr<logs::Filter> filter(const std::string& more = "") {
    auto made = make(more);
    EXPECT_TRUE(made.ok()) << made.error().describe();
    return made.ok() ? *std::move(made) : nullptr;
  }
  std::string failure(const std::string& more, const std::string& file = "log_filter.wasm") {
    const auto made = make(more, file);
    EXPECT_FALSE(made.ok());
    return made.ok() ? "" : made.error().message();
  }
  static Filtered apply(logs::Filter& filter, const std::vector<std::string>& records) {
    return filter.apply(batch_of(records), {});
  }
  static double figure(const logs::Filter& filter, std::string_view name,
                       std::string_view label = {}) {
    for (const logs::Figure& each : filter.figures()) {
      if (each.name != name) continue;
      if (label.empty() || (!each.labels.empty() && each.labels.front().second == label))
        return each.value;
    }
    return -1;
  }

  World world;
  NoModels models;
  guestapi::GuestApi api{models};
};

TEST_F(ComponentFilterTest, EachOutcomeIsDone) {
  const auto made = filter();
  const Filtered out = apply(*made, {act("keep"), act("drop"), act("count"), act("split"),
                                     act("nothing"), act("dead"), R"({"last":1.5})"});
  EXPECT_THAT(json_of(out.kept), ElementsAre(act("keep"), R"({"seen":3})", R"({"half":1})",
                                             R"({"half":2})", R"({"last":1.5})"));
  EXPECT_EQ(out.dropped, 2U);
  EXPECT_EQ(out.faults, 0U);
  EXPECT_THAT(json_of(out.dead), ElementsAre(act("dead")));
  std::string why;
  ASSERT_TRUE(logs::msgpack::to_json(out.dead[0].metadata, why).ok());
  EXPECT_THAT(why, HasSubstr("it smells"));
}

TEST_F(ComponentFilterTest, NewEventsHaveTheirOwnTagTimeAndMetadata) {
  const auto made = filter();
  const Filtered out = apply(*made, {act("split")});
  ASSERT_EQ(out.kept.size(), 2U);
  EXPECT_EQ(out.kept[0].tag, "app.web");
  EXPECT_EQ(out.kept[0].time, (logs::EventTime{1700000000, 42}));
  EXPECT_EQ(out.kept[1].tag, "halves");
  EXPECT_EQ(out.kept[1].time, (logs::EventTime{1700000005, 7}));
  std::string metadata;
  ASSERT_TRUE(logs::msgpack::to_json(out.kept[1].metadata, metadata).ok());
  EXPECT_EQ(metadata, R"({"from":"split"})");
}

TEST_F(ComponentFilterTest, WhatIsKeptIsNotTouched) {
  // Binary, an extension: JSON has neither.
  Buffer odd;
  logs::msgpack::Writer writer(odd);
  writer.map(2);
  writer.string("b");
  writer.binary(as_bytes("\xff\xfe"));
  writer.string("x");
  writer.extension(5, as_bytes("abc"));
  logs::Batch batch;
  batch.add("a", {1, 2}, odd);
  batch.add("b", {3, 4}, odd);
  const auto made = filter();
  const Filtered out = made->apply(std::move(batch), {});
  ASSERT_EQ(out.kept.size(), 2U);
  EXPECT_TRUE(std::ranges::equal(out.kept[1].record, odd));
  EXPECT_EQ(out.kept[1].tag, "b");
  EXPECT_EQ(figure(*made, "component_calls_total"), 2);  // one a tag
}

TEST_F(ComponentFilterTest, ManyRecordsAreOneCallAndABoundSplitsThem) {
  const std::vector<std::string> many(1000, act("keep"));
  const auto one = filter();
  EXPECT_EQ(apply(*one, many).kept.size(), 1000U);
  EXPECT_EQ(figure(*one, "component_calls_total"), 1);
  const auto ten = filter("batch = 100");
  EXPECT_EQ(apply(*ten, many).kept.size(), 1000U);
  EXPECT_EQ(figure(*ten, "component_calls_total"), 10);
  const auto bytes = filter();
  const std::vector<std::string> large(16, R"({"a":")" + std::string(100'000, 'x') + "\"}");
  EXPECT_EQ(apply(*bytes, large).kept.size(), 16U);
  EXPECT_EQ(figure(*bytes, "component_calls_total"), 4);
}

TEST_F(ComponentFilterTest, ATrapCostsOnlyTheRecordThatBroughtIt) {
  const auto made = filter("on_fault = \"dead_letter\"");
  std::vector<std::string> records(100, act("keep"));
  records[37] = act("trap");
  const Filtered out = apply(*made, records);
  EXPECT_EQ(out.kept.size(), 99U);
  EXPECT_EQ(out.faults, 1U);
  EXPECT_THAT(json_of(out.dead), ElementsAre(act("trap")));
  EXPECT_EQ(figure(*made, "component_faults_total", "trap"), 1);
  EXPECT_THAT(json_of(apply(*made, {act("count")}).kept), ElementsAre(HasSubstr("seen")));
}

TEST_F(ComponentFilterTest, AFaultPassesOrDropsAsConfigured) {
  EXPECT_THAT(json_of(apply(*filter(), {act("trap")}).kept), ElementsAre(act("trap")));
  const Filtered dropped = apply(*filter("on_fault = \"drop\""), {act("exit")});
  EXPECT_THAT(json_of(dropped.kept), IsEmpty());
  EXPECT_EQ(dropped.dropped, 1U);
  EXPECT_EQ(dropped.faults, 1U);
}

TEST_F(ComponentFilterTest, EachLimitEndsACall) {
  const auto loops = filter("time = \"50ms\"");
  EXPECT_EQ(apply(*loops, {act("loop")}).faults, 1U);
  EXPECT_EQ(figure(*loops, "component_faults_total", "time"), 1);
  const auto waits = filter("wait = \"100ms\"");
  EXPECT_EQ(apply(*waits, {act("wait")}).faults, 1U);
  EXPECT_EQ(figure(*waits, "component_faults_total", "time"), 1);
  const auto hogs = filter("memory = \"4MiB\"");
  EXPECT_EQ(apply(*hogs, {act("hog")}).faults, 1U);
  EXPECT_EQ(figure(*hogs, "component_faults_total", "memory"), 1);
}

TEST_F(ComponentFilterTest, WhatIsNoRecordIsAFaultOfThatRecordAlone) {
  for (const std::string_view word : {"no json", "array", "two", "large", "wrong body",
                                      "wrong time", "wrong year", "wrong tag", "wrong metadata"}) {
    const auto made = filter();
    const Filtered out = apply(*made, {act("keep"), act(word), act("keep")});
    EXPECT_THAT(json_of(out.kept), ElementsAre(act("keep"), act(word), act("keep"))) << word;
    EXPECT_EQ(out.faults, 1U) << word;
    EXPECT_EQ(figure(*made, "component_faults_total", "record"), 1) << word;
  }
}

TEST_F(ComponentFilterTest, TooFewOutcomesAreAFaultOfAll) {
  const auto made = filter();
  const Filtered out = apply(*made, {act("keep"), act("short"), act("drop")});
  EXPECT_EQ(out.kept.size(), 3U);
  EXPECT_EQ(out.faults, 3U);
  EXPECT_EQ(figure(*made, "component_faults_total", "outcomes"), 3);
}

TEST_F(ComponentFilterTest, AListThatIsMuchOnlyHereIsRefused) {
  const auto made = filter();
  const Filtered out = apply(*made, {act("flood")});
  EXPECT_THAT(json_of(out.kept), ElementsAre(act("flood")));
  EXPECT_EQ(out.faults, 1U);
}

TEST_F(ComponentFilterTest, ARecordThatIsTooDeepForJsonIsNotGiven) {
  Buffer deep;
  logs::msgpack::Writer writer(deep);
  writer.map(1);
  writer.string("a");
  for (int i = 0; i < 100; ++i) writer.array(1);
  writer.nil();
  logs::Batch batch = batch_of({act("keep")});
  batch.add("app.web", {1, 2}, deep);
  batch.append(batch_of({act("drop")}));
  const auto made = filter();
  const Filtered out = made->apply(std::move(batch), {});
  EXPECT_EQ(out.kept.size(), 2U);
  EXPECT_EQ(out.dropped, 1U);
  EXPECT_EQ(figure(*made, "component_faults_total", "unfit"), 1);
}

TEST_F(ComponentFilterTest, OneThatFailsAgainAndAgainIsLeftAloneForAWhile) {
  const auto made = filter();
  for (int i = 0; i < 20; ++i) apply(*made, {act("trap")});
  EXPECT_EQ(figure(*made, "component_suspensions_total"), 1);
  EXPECT_GT(figure(*made, "component_faults_total", "out_of_work"), 0);
  world.clock.advance(2s);
  EXPECT_THAT(json_of(apply(*made, {act("count")}).kept), ElementsAre(R"({"seen":1})"));
}

TEST_F(ComponentFilterTest, ItsNumbersAreKeptWithinABound) {
  const auto made = filter();
  apply(*made, {act("names"), act("names")});
  EXPECT_EQ(figure(*made, "filter_name_0_total"), 2);
  EXPECT_EQ(figure(*made, "filter_name_63_total"), 2);
  EXPECT_EQ(figure(*made, "filter_name_64_total"), -1);
  EXPECT_EQ(figure(*made, "filter_metrics_refused_total"), 74);
}

TEST_F(ComponentFilterTest, WhatItSaysOfItsConfigIsToldAtTheStart) {
  EXPECT_NE(filter("config = { word = \"x\" }"), nullptr);
  EXPECT_THAT(failure("config = { wrod = \"x\" }"), HasSubstr("there is no option wrod"));
  EXPECT_THAT(failure("config = { trap = \"x\" }"), HasSubstr("unreachable"));
}

TEST_F(ComponentFilterTest, WhatIsNoFilterIsRefusedByName) {
  EXPECT_THAT(failure("", "healthy.wasm"), HasSubstr("is a module"));
  EXPECT_THAT(failure("", "hostile.wasm"), HasSubstr("does not export quern:log/filter"));
  EXPECT_THAT(failure("", "nowhere.wasm"), HasSubstr("nowhere.wasm"));
  EXPECT_THAT(failure("tmie = \"1s\""), HasSubstr("did you mean"));
}

TEST_F(ComponentFilterTest, SeveralThreadsTakeItsInstancesInTurn) {
  const auto made = filter("instances = 2");
  std::vector<std::thread> threads;
  std::atomic<std::size_t> kept = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 50; ++k) kept += apply(*made, {act("keep"), act("count")}).kept.size();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(kept, 400U);
}

}  // namespace
}  // namespace quern::plugins
