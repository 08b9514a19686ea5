// What is left in the state folder of stages that are gone.
#include "pipeline/pipeline_fixture.hpp"
#include <gmock/gmock.h>

#include <filesystem>
#include <thread>

namespace quern::pipeline {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

using LeftoversTest = PipelineTest;

// An output "old" beside "out"; it does not deliver.
constexpr std::string_view kWithOld = R"(
[[output]]
name = "old"
type = "keeping"
retry = { first = "1ms", longest = "5ms" }
[pipeline]
grace = "10ms"
)";
constexpr std::string_view kWithout = "[pipeline]\ngrace = \"10ms\"\n";

TEST_F(LeftoversTest, TheBufferOfARemovedOutputIsToldAndGoesToAnother) {
  {
    const auto pipeline = start(std::string(kPlain) + std::string(kWithOld));
    stage("in").syncs = true;
    stage("old").stuck = true;
    feed("app", {R"({"n":1})", R"({"n":2})"});
    ASSERT_TRUE(stage("out").wait_for(2));
    EXPECT_TRUE(pipeline->leftovers().empty());
  }
  const auto pipeline = start(std::string(kPlain) + std::string(kWithout));
  const std::vector<Leftover> left = pipeline->leftovers();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].stage, "old");
  EXPECT_EQ(left[0].records, 2U);
  EXPECT_GT(left[0].bytes.count, 0U);
  EXPECT_EQ(left[0].folder, pipeline->plan().state / "buffers" / "old");
  EXPECT_THAT(pipeline->replay("old", {}).error().describe(), HasSubstr("--to OUTPUT"));
  EXPECT_EQ(pipeline->replay_to("old", "nobody", {}).error().kind(), ErrorKind::not_found);
  EXPECT_EQ(pipeline->replay_to("../buffers/old", "out", {}).error().kind(), ErrorKind::not_found);
  EXPECT_EQ(*pipeline->replay_to("old", "out", {}), 2U);
  EXPECT_TRUE(stage("out").wait_for(4));
  EXPECT_TRUE(pipeline->leftovers().empty());
  EXPECT_FALSE(std::filesystem::exists(left[0].folder));
  EXPECT_EQ(pipeline->replay_to("old", "out", {}).error().kind(), ErrorKind::not_found);
}

TEST_F(LeftoversTest, TheBufferOfARemovedOutputIsDeliveredWhenItComesBack) {
  const std::string with = std::string(kPlain) + std::string(kWithOld);
  const auto pipeline = start(with);
  stage("in").syncs = true;
  stage("old").stuck = true;
  feed("app", {R"({"n":1})"});
  ASSERT_TRUE(stage("out").wait_for(1));
  scratch_.write(std::string(kPlain) + std::string(kWithout));
  ASSERT_TRUE(pipeline->reload().ok());
  ASSERT_EQ(pipeline->leftovers().size(), 1U);
  EXPECT_EQ(pipeline->leftovers()[0].records, 1U);
  stage("old").stuck = false;
  scratch_.write(with);
  ASSERT_TRUE(pipeline->reload().ok());
  EXPECT_TRUE(stage("old").wait_for(1));
  EXPECT_TRUE(pipeline->leftovers().empty());
}

TEST_F(LeftoversTest, WhatGoesToAnotherStaysWhereItIsWhenThatIsBrokenOff) {
  {
    const auto pipeline = start(std::string(kPlain) + std::string(kWithOld));
    stage("in").syncs = true;
    stage("old").stuck = true;
    for (int i = 0; i < 3; ++i) feed("app", {R"({"n":1})"});
    ASSERT_TRUE(stage("out").wait_for(3));
  }
  const std::string text = std::string(kPlain) + std::string(kWithout);
  {
    const auto pipeline = start(text);
    std::stop_source stopped;
    stopped.request_stop();
    // A filter that holds records back is waited for, and nobody waits any more.
    pipeline->stop();
    EXPECT_FALSE(pipeline->replay_to("old", "out", stopped.get_token()).ok());
  }
  const auto pipeline = start(text);
  ASSERT_EQ(pipeline->leftovers().size(), 1U);
  EXPECT_EQ(pipeline->leftovers()[0].stage, "old");
  EXPECT_EQ(*pipeline->replay_to("old", "out", {}), 3U);
}

TEST_F(LeftoversTest, ADiskBufferThatBecameOneInMemoryIsToldToo) {
  const std::string text = std::string(kPlain);
  {
    const auto pipeline = start(text + std::string(kWithout));
    stage("in").syncs = true;
    stage("out").stuck = true;
    feed("app", {R"({"n":1})"});
    while (stage("in").accepted.lock()->empty()) std::this_thread::sleep_for(2ms);
    pipeline->stop();
  }
  stage("out").stuck = false;
  const auto pipeline = start(text + "buffer = { type = \"memory\" }\n");
  ASSERT_EQ(pipeline->leftovers().size(), 1U);
  EXPECT_EQ(*pipeline->replay_to("out", "out", {}), 1U);
  EXPECT_TRUE(stage("out").wait_for(1));
}

TEST_F(LeftoversTest, DeadLettersOfAStageThatAReloadRemovedAreToldAndGoToAnOutput) {
  const std::string with = std::string(kPlain) + std::string(kWithout);
  const auto pipeline = start(with);
  feed("app", {R"({"kill":1})", R"({"n":1})"});
  ASSERT_TRUE(stage("out").wait_for(1));
  ASSERT_EQ(state(*pipeline, "marks").dead, 1U);
  std::string without = with;
  const std::size_t filter = without.find("[[filter]]");
  without.erase(filter, without.find("[[output]]") - filter);
  scratch_.write(without);
  ASSERT_TRUE(pipeline->reload().ok());
  ASSERT_EQ(pipeline->leftovers().size(), 1U);
  EXPECT_EQ(pipeline->leftovers()[0].kind, Leftover::Kind::dead_letters);
  EXPECT_EQ(pipeline->leftovers()[0].stage, "marks");
  EXPECT_EQ(pipeline->leftovers()[0].records, 1U);
  // It comes back, and they are its own again; it goes once more.
  scratch_.write(with);
  ASSERT_TRUE(pipeline->reload().ok());
  EXPECT_TRUE(pipeline->leftovers().empty());
  EXPECT_GT(state(*pipeline, "marks").dead_held.count, 0U);
  feed("app", {R"({"kill":2})", R"({"n":2})"});
  ASSERT_TRUE(stage("out").wait_for(2));
  scratch_.write(without);
  ASSERT_TRUE(pipeline->reload().ok());
  ASSERT_EQ(pipeline->leftovers().size(), 1U);
  EXPECT_EQ(pipeline->leftovers()[0].records, 2U);
  EXPECT_EQ(*pipeline->replay_to("marks", "out", {}), 2U);
  EXPECT_TRUE(stage("out").wait_for(4));
  EXPECT_TRUE(pipeline->leftovers().empty());
}

TEST_F(LeftoversTest, DeadLettersOfARemovedStageGoToAnOutput) {
  {
    const auto pipeline = start(std::string(kPlain) + std::string(kWithout));
    feed("app", {R"({"kill":1})", R"({"n":1})"});
    EXPECT_TRUE(stage("out").wait_for(1));
    EXPECT_EQ(state(*pipeline, "marks").dead, 1U);
  }
  const auto pipeline = start(R"(
[[input]]
name = "in"
type = "fed"
[[output]]
name = "out"
type = "keeping"
)");
  ASSERT_EQ(pipeline->leftovers().size(), 1U);
  EXPECT_EQ(pipeline->leftovers()[0].kind, Leftover::Kind::dead_letters);
  EXPECT_EQ(*pipeline->replay_to("marks", "out", {}), 1U);
  EXPECT_TRUE(stage("out").wait_for(2));
  EXPECT_EQ(stage("out").all().back(), R"({"kill":1})");
  EXPECT_TRUE(pipeline->leftovers().empty());
}

}  // namespace
}  // namespace quern::pipeline
