// Fluent Bit's filters: what their functions get and give, and what becomes of a record when one
// misbehaves. The guests are guests/hostile/filter.c.
#include "plugins/test_support.hpp"

#include <atomic>
#include <set>
#include <thread>

namespace quern::plugins {
namespace {

using namespace testing;
using logs::Filtered;
using ::testing::Test;

class WasmFilterTest : public Test {
 protected:
  std::unique_ptr<logs::Filter> make(const std::string& file, const std::string& function,
                                     const std::string& more = "") {
    auto made = world.filter("wasm_path = \"" + file + ".wasm\"\nfunction_name = \"" + function +
                             "\"\n" + more);
    EXPECT_TRUE(made.ok()) << made.error().describe();
    return made.ok() ? *std::move(made) : nullptr;
  }
  static Filtered apply(logs::Filter& filter, const std::vector<std::string>& records) {
    return filter.apply(batch_of(records), {});
  }
  // What a function that fails does to one record, under each policy.
  void expect_fault(const std::string& function, const std::string& kind,
                    const std::string& more = "") {
    SCOPED_TRACE(function);
    const std::string record = R"({"log":"a line"})";
    const auto pass = make("filter", function, more);
    Filtered out = apply(*pass, {record});
    EXPECT_EQ(json_of(out.kept), std::vector{record});
    EXPECT_EQ(out.faults, 1U);
    EXPECT_EQ(out.dropped, 0U);
    EXPECT_EQ(figure(pass->figures(), "wasm_faults_total", kind), 1);

    const auto drop = make("filter", function, "on_fault = \"drop\"\n" + more);
    out = apply(*drop, {record});
    EXPECT_EQ(out.kept.size(), 0U);
    EXPECT_EQ(out.faults, 1U);
    EXPECT_EQ(out.dropped, 1U);

    const auto dead = make("filter", function, "on_fault = \"dead_letter\"\n" + more);
    out = apply(*dead, {record});
    EXPECT_EQ(out.kept.size(), 0U);
    ASSERT_EQ(json_of(out.dead), std::vector{record});
    std::string why;
    ASSERT_TRUE(logs::msgpack::to_json(out.dead[0].metadata, why).ok());
    EXPECT_NE(why.find(R"("stage":"test")"), std::string::npos) << why;
  }

  World world;
};

TEST_F(WasmFilterTest, GivesWhatItGot) {
  for (const char* file : {"filter", "filter_own_malloc", "filter_script", "filter_env_libc"}) {
    SCOPED_TRACE(file);
    const auto filter = make(file, "pass");
    const std::vector<std::string> records = {R"({"log":"one"})", R"({"a":[1,2.5,null],"ü":{}})"};
    const Filtered out = apply(*filter, records);
    EXPECT_EQ(json_of(out.kept), records);
    EXPECT_EQ(out.faults, 0U);
  }
}

TEST_F(WasmFilterTest, TheFunctionGetsTagTimeAndRecordEachWithAZeroByte) {
  for (const char* file : {"filter", "filter_own_malloc", "filter_script", "filter_env_libc"}) {
    SCOPED_TRACE(file);
    const auto filter = make(file, "wrap");
    const Filtered out = apply(*filter, {R"({"log":"one"})", R"({})"});
    EXPECT_EQ(json_of(out.kept),
              (std::vector<std::string>{
                  R"({"tag":"app.web","seconds":1700000000,"nanoseconds":42,"calls":1,"ends":1,)"
                  R"("was":{"log":"one"}})",
                  R"({"tag":"app.web","seconds":1700000000,"nanoseconds":42,"calls":2,"ends":1,)"
                  R"("was":{}})"}));
    EXPECT_EQ(out.kept[0].time, (logs::EventTime{1700000000, 42}));
    EXPECT_EQ(out.kept[0].tag, "app.web");
  }
}

TEST_F(WasmFilterTest, MetadataStays) {
  logs::Batch batch;
  Buffer record;
  Buffer metadata;
  ASSERT_TRUE(logs::from_json(R"({"a":1})", record).ok());
  ASSERT_TRUE(logs::from_json(R"({"m":1})", metadata).ok());
  batch.add("t", {}, record, metadata);
  const Filtered out = make("filter", "wrap")->apply(batch, {});
  ASSERT_EQ(out.kept.size(), 1U);
  EXPECT_TRUE(std::ranges::equal(out.kept[0].metadata, metadata));
}

TEST_F(WasmFilterTest, NothingAndAnEmptyTextDropTheRecord) {
  for (const char* function : {"nothing", "empty"}) {
    const Filtered out = apply(*make("filter", function), {R"({"a":1})", R"({"b":1})"});
    EXPECT_EQ(out.kept.size(), 0U);
    EXPECT_EQ(out.dropped, 2U);
    EXPECT_EQ(out.faults, 0U);
  }
}

TEST_F(WasmFilterTest, EachFaultIsCountedAndTreatedAsItsPolicySays) {
  expect_fault("words", "not_json");
  expect_fault("array", "not_object");
  expect_fault("two", "not_object");
  expect_fault("far_away", "bad_address");
  expect_fault("no_end", "bad_address");
  expect_fault("crash", "trap");
  expect_fault("loop", "time", "time = \"50ms\"\n");
  expect_fault("hog", "memory", "memory = \"16 MiB\"\n");
}

TEST_F(WasmFilterTest, InMsgpackZeroBytesAreBytesLikeOthers) {
  const auto filter = make("filter", "zeros", "event_format = \"msgpack\"\n");
  const std::vector<std::string> records(1000, R"({"log":"a line"})");
  const Filtered out = apply(*filter, records);
  EXPECT_EQ(json_of(out.kept), std::vector<std::string>(1000, R"({"n":0,"z":0})"));
  EXPECT_EQ(out.faults, 0U);
  const auto same = make("filter", "pass", "event_format = \"msgpack\"\n");
  EXPECT_EQ(json_of(apply(*same, records).kept), records);
}

TEST_F(WasmFilterTest, WhatIsNoMsgpackMapIsAFault) {
  expect_fault("no_map", "not_msgpack", "event_format = \"msgpack\"\n");
  expect_fault("msgpack_without_end", "not_msgpack", "event_format = \"msgpack\"\n");
}

TEST_F(WasmFilterTest, LargeRecordsFindRoom) {
  for (const char* file : {"filter", "filter_own_malloc", "filter_script", "filter_env_libc"}) {
    SCOPED_TRACE(file);
    const std::string large = R"({"log":")" + std::string(100'000, 'x') + R"("})";
    const std::vector<std::string> records = {R"({"a":1})", large, R"({"a":2})", large};
    EXPECT_EQ(json_of(apply(*make(file, "pass"), records).kept), records);
  }
  const std::string largest = R"({"log":")" + std::string(1'000'000, 'x') + R"("})";
  EXPECT_EQ(json_of(apply(*make("filter", "pass"), {largest}).kept), std::vector{largest});
}

TEST_F(WasmFilterTest, TheGuestsAllocatorIsAskedForOneBlockARecordWhichItGetsBack) {
  const auto filter = make("filter_own_malloc", "block_count");
  const std::vector<std::string> records(100, R"({"log":"a line"})");
  EXPECT_EQ(json_of(apply(*filter, records).kept),
            std::vector<std::string>(100, R"({"blocks":1})"));
}

TEST_F(WasmFilterTest, WhatIsPinnedIsKeptAndAbortIsAFault) {
  const auto filter = make("filter_script", "pinned_of_objects");
  const std::vector<std::string> records(100, R"({"log":"a line"})");
  EXPECT_EQ(json_of(apply(*filter, records).kept),
            std::vector<std::string>(100, R"({"pinned":1,"objects":1})"));
  const Filtered out =
      apply(*make("filter_script", "aborts", "on_fault = \"dead_letter\"\n"), {R"({"a":1})"});
  ASSERT_EQ(out.dead.size(), 1U);
  std::string why;
  ASSERT_TRUE(logs::msgpack::to_json(out.dead[0].metadata, why).ok());
  EXPECT_NE(why.find("it called abort"), std::string::npos) << why;
}

TEST_F(WasmFilterTest, AnAllocatorThatTakesTheHostsHeapKeepsIt) {
  const auto filter = make("filter", "takes_all");
  const std::vector<std::string> records(10, R"({"log":"a line"})");
  const Filtered out = apply(*filter, records);
  EXPECT_EQ(json_of(out.kept), records);
  EXPECT_EQ(out.faults, 0U);
}

TEST_F(WasmFilterTest, ALibraryOfTheHostsIsThere) {
  const auto filter = make("filter_env_libc", "env_add");
  EXPECT_EQ(json_of(apply(*filter, {R"({"a":1})"}).kept),
            std::vector<std::string>{R"({"tag":"app.web","at":1.7e+09,"n":-7,"was":{"a":1}})"});
}

TEST_F(WasmFilterTest, WhatAGuestReturnsAndNeverFreesDoesNotFillItsHeap) {
  const auto filter = make("filter_env_libc", "env_add", "memory = \"1 MiB\"\n");
  const std::vector<std::string> records(1000, R"({"log":")" + std::string(5000, 'x') + R"("})");
  for (int i = 0; i < 5; ++i) {
    const Filtered out = apply(*filter, records);
    EXPECT_EQ(out.kept.size(), 1000U);
    EXPECT_EQ(out.faults, 0U);
  }
  EXPECT_EQ(figure(filter->figures(), "wasm_restarts_total", "memory"), 0);
}

TEST_F(WasmFilterTest, ABufferThatIsReturnedAgainStaysTheGuests) {
  const auto filter = make("filter_env_libc", "env_own_buffer");
  const std::vector<std::string> records(3, R"({"log":"a line"})");
  EXPECT_EQ(json_of(apply(*filter, records).kept),
            (std::vector<std::string>{R"({"calls":1})", R"({"calls":2})", R"({"calls":3})"}));
}

TEST_F(WasmFilterTest, ALeakingGuestIsMadeAnewBeforeItFails) {
  for (const auto& [file, function] :
       {std::pair{"filter", "leak"}, {"filter_env_libc", "env_leak"}}) {
    SCOPED_TRACE(function);
    const auto filter = make(file, function, "memory = \"4 MiB\"\n");
    const Filtered out = apply(*filter, std::vector<std::string>(500, R"({"log":"a line"})"));
    EXPECT_EQ(out.kept.size(), 500U);
    EXPECT_EQ(out.faults, 0U);
    EXPECT_GT(figure(filter->figures(), "wasm_restarts_total", "memory"), 2);
  }
}

TEST_F(WasmFilterTest, OneThatLeaksSmallBlocksIsMadeAnewBeforeTheirNumberEnds) {
  const auto filter = make("filter_env_libc", "env_leak_small");
  const Filtered out = apply(*filter, std::vector<std::string>(600, R"({"log":"a line"})"));
  EXPECT_EQ(out.kept.size(), 600U);
  EXPECT_EQ(out.faults, 0U);
  EXPECT_EQ(figure(filter->figures(), "wasm_restarts_total", "memory"), 3);
}

TEST_F(WasmFilterTest, NothingForWantOfMemoryIsAFaultAndNoDrop) {
  const auto filter = make("filter_env_libc", "env_hungry");
  const std::vector<std::string> records(20, R"({"log":"a line"})");
  const Filtered out = apply(*filter, records);
  EXPECT_EQ(json_of(out.kept), records);
  EXPECT_EQ(out.dropped, 0U);
  EXPECT_EQ(figure(filter->figures(), "wasm_faults_total", "memory"), 20);
}

TEST_F(WasmFilterTest, ExitAndAFreeOfNothingAreFaults) {
  for (const char* function : {"env_exit", "env_free_twice"}) {
    const auto filter = make("filter_env_libc", function);
    const Filtered out = apply(*filter, {R"({"a":1})"});
    EXPECT_EQ(out.kept.size(), 1U);
    EXPECT_EQ(figure(filter->figures(), "wasm_faults_total", "trap"), 1);
  }
}

TEST_F(WasmFilterTest, TimeInTheHostsLibraryCounts) {
  const auto filter = make("filter_env_libc", "env_straight", "time = \"100ms\"\n");
  EXPECT_EQ(apply(*filter, {R"({"a":1})"}).kept.size(), 1U);
  EXPECT_EQ(figure(filter->figures(), "wasm_faults_total", "time"), 1);
}

TEST_F(WasmFilterTest, OneThatBeginsNearItsLimitIsNotMadeAnewForThat) {
  const auto filter = make("filter_own_malloc", "wrap", "memory = \"512 KiB\"\n");
  EXPECT_EQ(apply(*filter, std::vector<std::string>(100, R"({"a":1})")).faults, 0U);
  EXPECT_EQ(figure(filter->figures(), "wasm_restarts_total", "memory"), 0);
}

TEST_F(WasmFilterTest, ATrapCostsOneRecordAndNotTheOthers) {
  const auto filter = make("filter", "picky", "on_fault = \"drop\"\n");
  const Filtered out = apply(*filter, {R"({"a":"1"})", R"({"a":"!"})", R"({"a":"2"})"});
  EXPECT_EQ(json_of(out.kept), (std::vector<std::string>{R"({"a":"1"})", R"({"a":"2"})"}));
  EXPECT_EQ(figure(filter->figures(), "wasm_restarts_total", "fault"), 1);
}

TEST_F(WasmFilterTest, OneThatFailsAgainAndAgainIsOutOfWorkForAGrowingTime) {
  const auto filter = make("filter", "crash");
  const auto calls = [&] { return figure(filter->figures(), "wasm_calls_total"); };
  const std::vector<std::string> records(50, R"({"log":"a line"})");
  Filtered out = apply(*filter, records);
  EXPECT_EQ(out.kept.size(), 50U);
  EXPECT_EQ(out.faults, 50U);
  EXPECT_EQ(calls(), 10);
  world.clock.advance(1s);
  apply(*filter, records);
  EXPECT_EQ(calls(), 11);  // one try
  world.clock.advance(1s);
  apply(*filter, records);
  EXPECT_EQ(calls(), 11);  // two seconds this time
  world.clock.advance(1s);
  apply(*filter, records);
  EXPECT_EQ(calls(), 12);
  EXPECT_EQ(figure(filter->figures(), "wasm_suspensions_total"), 3);
  EXPECT_EQ(figure(filter->figures(), "wasm_faults_total", "out_of_work"), 200 - 12);
}

TEST_F(WasmFilterTest, ALoopTakesThreeTimesItsTimeAndThenNone) {
  const auto filter = make("filter", "loop", "time = \"50ms\"\n");
  const Filtered out = apply(*filter, std::vector<std::string>(4000, R"({"log":"a line"})"));
  EXPECT_EQ(out.kept.size(), 4000U);
  EXPECT_EQ(figure(filter->figures(), "wasm_calls_total"), 3);
}

TEST_F(WasmFilterTest, RecordsCanWaitUntilItWorksAgain) {
  const auto filter = make("filter", "picky", "out_of_work = \"wait\"\non_fault = \"drop\"\n");
  std::vector<std::string> records(10, R"({"a":"!"})");
  records.emplace_back(R"({"a":"good"})");
  Filtered out;
  std::jthread thread([&] { out = apply(*filter, records); });
  while (world.clock.sleepers() == 0) std::this_thread::yield();
  world.clock.advance(1s);
  thread.join();
  EXPECT_EQ(json_of(out.kept), std::vector<std::string>{R"({"a":"good"})"});
  EXPECT_EQ(out.dropped, 10U);
}

TEST_F(WasmFilterTest, WhatWaitsAtTheEndIsADeadLetterAndNotLost) {
  const auto filter = make("filter", "crash", "out_of_work = \"wait\"\non_fault = \"drop\"\n");
  Filtered out;
  std::jthread thread([&](const std::stop_token& stop) {
    out = filter->apply(batch_of(std::vector<std::string>(12, R"({"a":1})")), stop);
  });
  while (world.clock.sleepers() == 0) std::this_thread::yield();
  thread.request_stop();
  thread.join();
  EXPECT_EQ(out.dropped, 10U);
  EXPECT_EQ(out.dead.size(), 2U);
}

TEST_F(WasmFilterTest, ThreadsTakeTheOneInstanceInTurn) {
  const auto filter = make("filter", "wrap");
  std::array<Filtered, 4> outs;
  {
    std::vector<std::jthread> threads;
    for (Filtered& out : outs) {
      threads.emplace_back(
          [&filter, &out] { out = apply(*filter, std::vector<std::string>(500, R"({"a":1})")); });
    }
  }
  std::set<std::string> seen;
  for (const Filtered& out : outs) {
    for (const std::string& record : json_of(out.kept)) seen.insert(record);
  }
  EXPECT_EQ(seen.size(), 2000U);  // each with a number of its own: the calls were counted in one
}

TEST_F(WasmFilterTest, WithoutStateItMayHaveSeveralInstances) {
  const auto filter = make("filter", "wrap", "instances = 3\n");
  std::atomic<std::uint64_t> kept = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 6; ++i) {
      threads.emplace_back(
          [&] { kept += apply(*filter, std::vector<std::string>(200, R"({"a":1})")).kept.size(); });
    }
  }
  EXPECT_EQ(kept, 1200U);
}

TEST_F(WasmFilterTest, WhatIsWrongAtTheStartIsToldWithItsLine) {
  const auto expect = [&](const std::string& table, std::vector<std::string_view> parts) {
    const auto made = world.filter(table);
    ASSERT_FALSE(made.ok()) << table;
    for (const std::string_view part : parts) {
      EXPECT_NE(made.error().describe().find(part), std::string::npos) << made.error().describe();
    }
  };
  expect("wasm_path = \"filter.wasm\"\nfunction_name = \"wrapp\"\n",
         {"pipe.toml:2: function_name", "no function wrapp", "wrap", "pass"});
  expect("wasm_path = \"filter.wasm\"\nfunction_name = \"of_another_type\"\n", {"of another type"});
  expect("wasm_path = \"filter.wasm\"\n", {"function_name"});
  expect("function_name = \"pass\"\n", {"wasm_path"});
  expect("wasm_path = \"is_not_there.wasm\"\nfunction_name = \"pass\"\n",
         {"pipe.toml:1: wasm_path", "is_not_there"});
  expect("wasm_path = \"CMakeFiles\"\nfunction_name = \"pass\"\n", {"pipe.toml:1: wasm_path"});
  expect("file = \"hostile.wasm\"\nfunction_name = \"pass\"\n", {"is a component"});
  expect("wasm_path = \"raw.wasm\"\nfunction_name = \"pass\"\n", {"test.later"});
  expect("wasm_path = \"filter.wasm\"\nfunction_name = \"pass\"\nmemory = \"64 KiB\"\n",
         {"memory"});
  expect("wasm_path = \"filter.wasm\"\nfunction_name = \"pass\"\nhurry = true\n", {"hurry"});
}

}  // namespace
}  // namespace quern::plugins
