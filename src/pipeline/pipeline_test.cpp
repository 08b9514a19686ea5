#include "pipeline/pipeline.hpp"

#include "pipeline/pipeline_fixture.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace quern::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

TEST_F(PipelineTest, RecordsGoThroughFiltersIntoTheOutputAndItEndsWithItsInputs) {
  const auto pipeline = start(kPlain);
  feed("app", {R"({"n":1})", R"({"drop":1})", R"({"n":2})"});
  stage("in").feed.close();
  EXPECT_TRUE(pipeline->wait({}).ok());
  pipeline->stop();
  EXPECT_THAT(stage("out").all(), ElementsAre(R"({"n":1,"by":"a"})", R"({"n":2,"by":"a"})"));
  EXPECT_EQ(state(*pipeline, "in").records_in, 3U);
  EXPECT_EQ(state(*pipeline, "marks").dropped, 1U);
  EXPECT_EQ(state(*pipeline, "out").records_out, 2U);
}

TEST_F(PipelineTest, TagsChooseFiltersAndOutputs) {
  const auto pipeline = start(R"(
[[input]]
name = "in"
type = "fed"
[[filter]]
name = "marks"
type = "mark"
match = "a.*"
word = "a"
[[output]]
name = "out"
type = "keeping"
match = ["a.*"]
[[output]]
name = "other"
type = "keeping"
match = "b"
buffer = { type = "memory" }
)");
  feed("a.x", {R"({"n":1})"});
  feed("b", {R"({"n":2})"});
  feed("c", {R"({"n":3})"});
  stage("in").feed.close();
  EXPECT_TRUE(pipeline->wait({}).ok());
  EXPECT_THAT(stage("out").all(), ElementsAre(R"({"n":1,"by":"a"})"));
  EXPECT_THAT(stage("other").all(), ElementsAre(R"({"n":2})"));
  EXPECT_EQ(pipeline->unrouted(), 1U);
}

TEST_F(PipelineTest, WhatFailsForNowIsTriedAgain) {
  const auto pipeline = start(kPlain);
  stage("out").failures = 5;
  feed("app", {R"({"n":1})"});
  EXPECT_TRUE(stage("out").wait_for(1));
  EXPECT_EQ(state(*pipeline, "out").faults, 5U);
  EXPECT_EQ(state(*pipeline, "out").dead, 0U);
}

TEST_F(PipelineTest, WhatIsRefusedForGoodIsADeadLetterAndCanBeReplayed) {
  const auto pipeline = start(kPlain);
  stage("out").refuses = true;
  feed("app", {R"({"n":1})"});
  while (state(*pipeline, "out").dead == 0) std::this_thread::sleep_for(2ms);
  EXPECT_TRUE(stage("out").all().empty());
  // It dies again, and is still there.
  EXPECT_EQ(*pipeline->replay("out", {}), 1U);
  while (state(*pipeline, "out").dead < 2) std::this_thread::sleep_for(2ms);
  stage("out").refuses = false;
  EXPECT_EQ(*pipeline->replay("out", {}), 1U);
  EXPECT_TRUE(stage("out").wait_for(1));
  EXPECT_THAT(stage("out").all(), ElementsAre(R"({"n":1,"by":"a"})"));
  EXPECT_EQ(*pipeline->replay("out", {}), 0U);
}

TEST_F(PipelineTest, WhatAFilterCannotProcessIsADeadLetterToo) {
  const auto pipeline = start(kPlain);
  feed("app", {R"({"kill":1})", R"({"n":1})"});
  EXPECT_TRUE(stage("out").wait_for(1));
  EXPECT_EQ(state(*pipeline, "marks").dead, 1U);
  EXPECT_GT(state(*pipeline, "marks").dead_held.count, 0U);
  EXPECT_EQ(*pipeline->replay("marks", {}), 1U);
  while (state(*pipeline, "marks").dead < 2) std::this_thread::sleep_for(2ms);
  EXPECT_FALSE(pipeline->replay("nobody", {}).ok());
}

TEST_F(PipelineTest, OneSlowBranchDoesNotStopTheOther) {
  const auto pipeline = start(R"(
[[input]]
name = "in"
type = "fed"
[[output]]
name = "slow"
type = "keeping"
[[output]]
name = "out"
type = "keeping"
)");
  stage("slow").stuck = true;
  for (int i = 0; i < 50; ++i) feed("t", {R"({"n":1})"});
  EXPECT_TRUE(stage("out").wait_for(50));
  EXPECT_TRUE(stage("slow").all().empty());
  stage("slow").stuck = false;
  EXPECT_TRUE(stage("slow").wait_for(50));
}

TEST_F(PipelineTest, WhatWasNotDeliveredIsDeliveredByTheNextRun) {
  {
    const auto pipeline = start(std::string(kPlain) + "[pipeline]\ngrace = \"10ms\"\n");
    stage("out").stuck = true;
    stage("in").syncs = true;
    feed("app", {R"({"n":1})"});
    while (stage("in").accepted.lock()->empty()) std::this_thread::sleep_for(2ms);
    pipeline->stop();
  }
  EXPECT_TRUE(stage("out").all().empty());
  stage("out").stuck = false;
  const auto pipeline = start(kPlain);
  EXPECT_TRUE(stage("out").wait_for(1));
}

std::set<std::string> as_set(const std::vector<std::string>& all) {
  return {all.begin(), all.end()};
}

TEST_F(PipelineTest, WhatIsStoppedAmidADeliveryIsNotForgotten) {
  std::set<std::string> sent;
  {
    const auto pipeline = start(std::string(kPlain) + "[pipeline]\ngrace = \"10ms\"\n");
    stage("out").healthy_for = 3;
    for (int i = 0; i < 10; ++i) {
      const std::string one = "{\"n\":" + std::to_string(i) + "}";
      feed("app", {one});
      sent.insert("{\"n\":" + std::to_string(i) + ",\"by\":\"a\"}");
    }
    while (state(*pipeline, "out").faults == 0) std::this_thread::sleep_for(2ms);
    pipeline->stop();
  }
  stage("out").healthy_for = 1'000'000;
  const auto pipeline = start(kPlain);
  stage("in").feed.close();
  EXPECT_TRUE(pipeline->wait({}).ok());
  EXPECT_EQ(as_set(stage("out").all()), sent);
}

TEST_F(PipelineTest, AChangedOutputTakesOverWhatWaitsInMemory) {
  std::string text(kPlain);
  text += "buffer = { type = \"memory\" }\n";
  const auto pipeline = start(text);
  stage("out").healthy_for = 1;
  for (int i = 0; i < 5; ++i) feed("app", {"{\"n\":" + std::to_string(i) + "}"});
  while (state(*pipeline, "out").faults == 0 || state(*pipeline, "out").records_in < 5)
    std::this_thread::sleep_for(2ms);
  scratch_.write(text + "note = \"other\"\n");
  stage("out").healthy_for = 1'000'000;
  ASSERT_TRUE(pipeline->reload().ok());
  EXPECT_TRUE(stage("out").wait_for(5));
  EXPECT_EQ(as_set(stage("out").all()).size(), 5U);
}

TEST_F(PipelineTest, WhatWaitedInAChangedFilterGoesThroughThoseBehindIt) {
  const std::string holds = "[[filter]]\nname = \"holds\"\ntype = \"hold\"\n";
  const std::string rest =
      "[[filter]]\nname = \"marks\"\ntype = \"mark\"\nword = \"a\"\n"
      "[[output]]\nname = \"out\"\ntype = \"keeping\"\n";
  const std::string input = "[[input]]\nname = \"in\"\ntype = \"fed\"\n";
  const auto pipeline = start(input + holds + rest);
  feed("app", {R"({"n":1})"});
  while (state(*pipeline, "holds").records_in == 0) std::this_thread::sleep_for(1ms);
  scratch_.write(input + holds + "note = \"other\"\n" + rest);
  ASSERT_TRUE(pipeline->reload().ok());
  EXPECT_TRUE(stage("out").wait_for(1));
  EXPECT_THAT(stage("out").all(), ElementsAre(R"({"n":1,"by":"a"})"));
}

TEST_F(PipelineTest, AnOutputWithoutItsBufferTakesNothingAndSaysSo) {
  const auto pipeline = start(kPlain);
  stage("in").syncs = true;
  scratch_.write(std::string(kPlain) + "[[output]]\nname = \"more\"\ntype = \"keeping\"\n");
  const std::filesystem::path folder = pipeline->plan().state / "buffers" / "more";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "cursor") << "nonsense";
  const auto reloaded = pipeline->reload();
  ASSERT_FALSE(reloaded.ok());
  EXPECT_THAT(reloaded.error().describe(), HasSubstr("not all of it works"));
  EXPECT_THAT(state(*pipeline, "more").ailment, HasSubstr("cursor"));
  feed("app", {R"({"n":1})"});
  while (stage("in").accepted.lock()->empty()) std::this_thread::sleep_for(2ms);
  EXPECT_NE(stage("in").accepted.lock()->front(), "ok");
  EXPECT_TRUE(stage("out").wait_for(1)) << "the others still get theirs";
  std::filesystem::remove(folder / "cursor");
}

TEST_F(PipelineTest, WhatAFilterMakesTooLargeIsDroppedAloneAndCounted) {
  const auto pipeline = start(R"(
[[input]]
name = "in"
type = "fed"
[[filter]]
name = "grows"
type = "grow"
[[output]]
name = "out"
type = "keeping"
)");
  feed("app", {R"({"n":1})", R"({"grow":1})", R"({"n":2})"});
  EXPECT_TRUE(stage("out").wait_for(2));
  EXPECT_THAT(stage("out").all(), ElementsAre(R"({"n":1})", R"({"n":2})"));
  EXPECT_EQ(state(*pipeline, "grows").dropped, 1U);
}

TEST_F(PipelineTest, AFileThatIsWrongIsRefusedAndTheOldGoesOn) {
  const auto pipeline = start(kPlain);
  scratch_.write(
      "[[input]]\nname = \"in\"\ntype = \"fedd\"\n[[output]]\nname=\"out\"\ntype=\"keeping\"\n");
  const auto reloaded = pipeline->reload();
  ASSERT_FALSE(reloaded.ok());
  EXPECT_THAT(
      reloaded.error().describe(),
      HasSubstr("pipe.toml:3: type in [[input]] in: there is no \"fedd\"; did you mean \"fed\"?"));
  feed("app", {R"({"n":1})"});
  EXPECT_TRUE(stage("out").wait_for(1));
}

TEST_F(PipelineTest, AReloadChangesOnlyWhatIsOtherwise) {
  const auto pipeline = start(kPlain);
  feed("app", {R"({"n":1})"});
  EXPECT_TRUE(stage("out").wait_for(1));
  std::string changed(kPlain);
  changed.replace(changed.find("word = \"a\""), 10, "word = \"b\"");
  scratch_.write(changed + "[[output]]\nname = \"more\"\ntype = \"keeping\"\n");
  const auto difference = pipeline->reload();
  ASSERT_TRUE(difference.ok()) << difference.error().describe();
  EXPECT_THAT(difference->changed, ElementsAre("marks"));
  EXPECT_THAT(difference->added, ElementsAre("more"));
  EXPECT_TRUE(difference->removed.empty());
  feed("app", {R"({"n":2})"});
  EXPECT_TRUE(stage("out").wait_for(2));
  EXPECT_TRUE(stage("more").wait_for(1));
  EXPECT_EQ(stage("out").all()[1], R"({"n":2,"by":"b"})");
  EXPECT_EQ(stage("in").made, 1);
  EXPECT_EQ(stage("out").made, 1);
}

TEST_F(PipelineTest, AnOutputMayChangeWhileRecordsFlow) {
  const auto pipeline = start(kPlain);
  std::jthread feeding([this] {
    for (int i = 0; i < 300; ++i) {
      feed("app", {"{\"n\":" + std::to_string(i) + "}"});
      std::this_thread::sleep_for(1ms);
    }
  });
  for (int i = 0; i < 5; ++i) {
    std::string changed(kPlain);
    changed += "note = \"" + std::to_string(i) + "\"\n";
    scratch_.write(changed);
    const auto difference = pipeline->reload();
    ASSERT_TRUE(difference.ok()) << difference.error().describe();
    EXPECT_THAT(difference->changed, ElementsAre("out"));
  }
  feeding.join();
  stage("in").feed.close();
  EXPECT_TRUE(pipeline->wait({}).ok());
  // At least once: what was delivered and not yet forgotten comes again.
  EXPECT_EQ(as_set(stage("out").all()).size(), 300U);
}

TEST_F(PipelineTest, NothingIsAcknowledgedThatAFilterOrAParserHoldsBack) {
  for (const bool by_parser : {true, false}) {
    stages_->clear();
    std::string text = "[[input]]\nname = \"in\"\ntype = \"fed\"\n";
    text += by_parser ? "parser = \"any\"\n" : "[[filter]]\nname = \"holds\"\ntype = \"hold\"\n";
    const auto pipeline = start(text + "[[output]]\nname = \"out\"\ntype = \"keeping\"\n");
    stage("in").syncs = true;
    feed("app", {R"({"n":1})"});
    while (stage("in").accepted.lock()->empty()) std::this_thread::sleep_for(2ms);
    // It is in the buffer: a moment later it is delivered, and not only once the hold is over.
    EXPECT_THAT(*stage("in").accepted.lock(), ElementsAre("ok"));
    EXPECT_EQ(state(*pipeline, "out").records_in, 1U) << by_parser;
  }
}

TEST_F(PipelineTest, AnInputThatCannotBeginEndsAStartButNoReload) {
  (*stages_)["in"] = std::make_shared<Stage>();
  stage("in").cannot_begin = 1;
  {
    const auto pipeline = start(kPlain);
    const Result<> ended = pipeline->wait({});
    ASSERT_FALSE(ended.ok());
    EXPECT_THAT(ended.error().describe(), HasSubstr("the port is taken"));
  }
  const auto pipeline = start(kPlain);
  (*stages_)["more"] = std::make_shared<Stage>();
  stage("more").cannot_begin = 1;
  scratch_.write(std::string(kPlain) + "[[input]]\nname = \"more\"\ntype = \"fed\"\n");
  ASSERT_TRUE(pipeline->reload().ok());
  while (state(*pipeline, "more").faults == 0) std::this_thread::sleep_for(2ms);
  feed("app", {R"({"n":1})"});
  EXPECT_TRUE(stage("out").wait_for(1));
  EXPECT_TRUE(stage("more").feed.try_push(batch_of("app", {R"({"n":2})"})).ok());
  EXPECT_TRUE(stage("out").wait_for(2)) << "it is tried again";
}

TEST_F(PipelineTest, TwoPipelinesDoNotShareAState) {
  const auto pipeline = start(kPlain);
  const auto second = Pipeline::start(scratch_.path() / "pipe.toml", fake_makers(stages_), world());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().kind(), ErrorKind::unavailable);
}

TEST_F(PipelineTest, ATapShowsWhatPasses) {
  const auto pipeline = start(kPlain);
  const auto tap = pipeline->tap("marks");
  ASSERT_TRUE(tap.ok());
  feed("app", {R"({"n":1})"});
  EXPECT_EQ(*(*tap)->next(Deadline::in(10s), {}),
            R"({"tag":"app","time":1.000000,"record":{"n":1,"by":"a"}})");
  EXPECT_FALSE(pipeline->tap("nobody").ok());
}

TEST_F(PipelineTest, SamplesOfTheFileAreRun) {
  const auto file = scratch_.write(std::string(kPlain) + R"(
[[test]]
name = "good"
records = ['{"n":1}', '{"drop":1}']
expect = ['{"by":"a","n":1}']
outputs = ["out"]
[[test]]
name = "bad"
lines = ['say "x"']
expect = ['{"log":"say \"x\"","by":"b"}']
)");
  const auto tested = run_samples(file, fake_makers(stages_), world(), scratch_.path() / "scratch");
  ASSERT_TRUE(tested.ok()) << tested.error().describe();
  EXPECT_EQ((*tested)[0].difference, "");
  EXPECT_THAT((*tested)[1].difference, HasSubstr("record 1:"));
}

}  // namespace
}  // namespace quern::pipeline
