// What holds when something is full, spent, away or at its end.
#include "insight/test_insight.hpp"
#include "insight/verdict.hpp"

namespace quern::insight {
namespace {

class InsightBoundsTest : public InsightTest {};

TEST_F(InsightBoundsTest, WhatFoundNoRoomIsNeverAskedAbout) {
  judge->say("", verdict_json(false, "other"));
  const auto insight = make(world, judge);
  // No id can be given that would not be given again.
  world.files.fail_at_change(1, Error(ErrorKind::resource_exhausted, "full"));
  const auto out = insight->apply(lines({"ERROR beside it", "CRITICAL also this"}), {});
  EXPECT_EQ(judge->asked(), 0U);
  EXPECT_THAT(told(out.kept), Each(HasSubstr(R"("by":"gate")")));
}

TEST_F(InsightBoundsTest, ANormalTemplateWithAnotherReasonIsLeftToTheGateWhenTheModelFails) {
  judge->say("not seen before", verdict_json(false, "other"));
  judge->say("unlike all values", "no verdict");
  const auto insight = make(world, judge, std::string(kWait) + "lines_to_learn = 10\n");
  for (int i = 0; i < 200; ++i) {
    (void)insight->apply(lines({"ERROR took " + std::to_string(10 + i % 5) + " ms"}), {});
  }
  const auto out = insight->apply(lines({"ERROR took 987654321 ms"}), {});
  EXPECT_THAT(told(out.kept),
              ElementsAre(AllOf(HasSubstr(R"("reasons":["parameter"])"),
                                HasSubstr(R"("anomaly":true)"), HasSubstr(R"("by":"gate")"))));
  EXPECT_THAT(told(insight->apply(lines({"ERROR took 11 ms"}), {}).kept),
              ElementsAre(HasSubstr(R"("anomaly":false)")));
}

TEST_F(InsightBoundsTest, AnAlertOfTheLastVerdictGoesOutAtTheEnd) {
  judge->say("", verdict_json(true, "software", "page"));
  const auto insight = make(world, judge,
                            std::string(kWait) +
                                "session_pattern = \"job ([0-9]+)\"\nsessions_to_learn = 1\n"
                                "[[action]]\nname = \"page\"\ntype = \"alert\"\n"
                                "dry_run = false\napproval = \"auto\"\n");
  (void)insight->apply(lines({"job 1 begins", "job 1 ends"}), {});
  world.clock.advance(std::chrono::minutes(2));
  (void)insight->flush(logs::Due::by_time);
  (void)insight->apply(lines({"job 2 begins"}), {});
  EXPECT_THAT(records(insight->flush(logs::Due::all).kept, "alert"),
              testing::Contains(HasSubstr(R"("alert":"verdict")")));
}

// Killed once a flush has returned the alert's record, and before the next.
TEST_F(InsightBoundsTest, AnAlertIsDoneOnceWhoTookItsRecordComesForMore) {
  judge->say("", verdict_json(true, "software", "page"));
  const std::string keys = std::string(kWait) +
                           "[[action]]\nname = \"page\"\ntype = \"alert\"\n"
                           "dry_run = false\napproval = \"auto\"\n";
  const auto alerts = [&](const logs::Filtered& out) { return records(out.kept, "alert").size(); };
  auto insight = make(world, judge, keys);
  EXPECT_EQ(alerts(insight->apply(lines({"ERROR new"}), {})), 0U) << "of any thread";
  eventually([&] { return figure(*insight, "actions_total", "done") == 1; });
  EXPECT_EQ(alerts(insight->apply(lines({"INFO other"}), {})), 0U) << "of any thread";
  EXPECT_EQ(alerts(insight->flush(logs::Due::by_time)), 1U);
  insight.reset();
  insight = make(world, judge, keys);
  EXPECT_EQ(alerts(insight->flush(logs::Due::by_time)), 1U) << "it may not have left";
  EXPECT_EQ(alerts(insight->flush(logs::Due::by_time)), 0U);
  insight.reset();
  insight = make(world, judge, keys);
  EXPECT_EQ(alerts(insight->flush(logs::Due::by_time)), 0U) << "it has left";
}

TEST_F(InsightBoundsTest, RulesHoldWhileAnotherHasTheFolder) {
  const auto old = make(world, nullptr);
  const std::string keys = std::string(kWait) + "always_alert = [\"root login\"]\n";
  const auto next = make(world, nullptr, keys);
  std::stop_source stopped;  // it does not wait for the folder
  stopped.request_stop();
  const auto batch = [] { return lines({"a root login", "INFO x", "another root login"}); };
  const auto out = next->apply(batch(), stopped.get_token());
  EXPECT_EQ(figure(*next, "unseen_total"), 3);
  EXPECT_THAT(records(out.kept, "alert"),
              ElementsAre(AllOf(HasSubstr(R"("rule":"root login")"),
                                HasSubstr(R"("line":"a root login")"))));
  EXPECT_THAT(told(out.kept),
              ElementsAre(HasSubstr(R"("rule":"root login")"), Not(HasSubstr("insight")),
                          HasSubstr(R"("anomaly":true)")));
  EXPECT_THAT(records(next->apply(batch(), stopped.get_token()).kept, "alert"), IsEmpty());
  world.clock.advance(std::chrono::minutes(1));
  EXPECT_THAT(records(next->apply(batch(), stopped.get_token()).kept, "alert"), SizeIs(1));
}

TEST_F(InsightBoundsTest, AnAlertOfARuleWaitsForNoVerdict) {
  judge->hold();
  const auto insight = make(world, judge, "wait = \"24h\"\nalways_alert = [\"root login\"]\n");
  EXPECT_THAT(records(insight->apply(lines({"ERROR new", "ERROR root login"}), {}).kept, "alert"),
              SizeIs(1));
}

TEST_F(InsightBoundsTest, OneRulesAlertHidesNoOther) {
  const auto insight = make(world, nullptr, "always_alert = [\"user 7\", \"user 8\"]\n");
  const auto alerts = [&](std::initializer_list<std::string_view> texts) {
    return records(insight->apply(lines(texts), {}).kept, "alert").size();
  };
  EXPECT_EQ(alerts({"login of user 7", "login of user 8", "login of user 8"}), 2U);
}

TEST_F(InsightBoundsTest, EachAlertGoesOutOfWhatFoundNoRoom) {
  const auto insight = make(world, nullptr, "always_alert = [\"user 7\"]\n");
  world.files.fail_at_change(1, Error(ErrorKind::resource_exhausted, "full"));
  const auto alerts = [&](std::initializer_list<std::string_view> texts) {
    return records(insight->apply(lines(texts), {}).kept, "alert").size();
  };
  EXPECT_EQ(alerts({"user 7 found no room", "nor does user 7 here, elsewhere"}), 2U);
}

TEST_F(InsightBoundsTest, ABudgetThatNoQuestionFitsIsRefused) {
  for (const char* key : {"tokens_per_minute", "tokens_per_day"}) {
    Settings settings = Settings::parse(std::string(key) + " = 100", "pipe.toml").value();
    const auto made = Insight::create(settings, world.stage(), std::make_shared<ScriptedJudge>());
    ASSERT_FALSE(made.ok());
    EXPECT_THAT(made.error().describe(), AllOf(HasSubstr(key), HasSubstr("too little")));
  }
}

TEST_F(InsightBoundsTest, AQuestionThatNeverFitsHoldsUpNoOther) {
  judge->say("", verdict_json(false, "other"));
  const auto insight = make(
      world, judge, std::string(kWait) + "prompt_line_bytes = 4096\ntokens_per_minute = 750\n");
  judge->cost(900);
  const std::string large = "ERROR " + std::string(4000, 'x');
  (void)insight->apply(lines({"ERROR first"}), {});
  EXPECT_THAT(told(insight->apply(lines({large, "ERROR small one"}), {}).kept),
              Each(HasSubstr(R"("by":"gate")")));
  EXPECT_EQ(judge->asked(), 1U);
  world.clock.advance(std::chrono::minutes(11));
  (void)insight->flush(logs::Due::by_time);
  eventually([&] { return judge->asked() == 2; });
  EXPECT_THAT(judge->last().user, HasSubstr("small one"));
}

TEST_F(InsightBoundsTest, AModelThatWasNotAskedCostsNothing) {
  const auto insight = make(world, judge);  // with nothing to say it is unavailable
  EXPECT_THAT(told(insight->apply(lines({"ERROR one"}), {}).kept),
              ElementsAre(HasSubstr(R"("by":"gate")")));
  EXPECT_EQ(figure(*insight, "tokens_total"), 0);
  judge->say("", "no verdict");
  (void)insight->apply(lines({"ERROR another one"}), {});
  EXPECT_GT(figure(*insight, "tokens_total"), 0);
}

TEST_F(InsightBoundsTest, ATemplateOfWhichAPersonSpokeNeverGoes) {
  judge->say("", verdict_json(true, "other"));
  const std::string keys = std::string(kWait) + "templates = 64\nalarm_at = \"none\"\n";
  auto insight = make(world, judge, keys);
  (void)insight->apply(lines({"ERROR harmless", "ERROR nobody spoke of"}), {});
  const Verdict harmless =
      parse_verdict(verdict_json(false, "other"), {.classes = {"other"}}).value();
  ASSERT_TRUE(insight->correct({.id = 1, .verdict = harmless, .who = "anna"}).ok());
  const auto fill = [&](char first) {
    for (std::size_t i = 1; i <= 200; ++i) {
      std::string line = "INFO";  // no two have a word in common
      for (const char more : {'g', 'h', 'i'}) {
        line += " " + std::string(i % 20 + 1, first) + more + std::string(i / 20 + 1, first);
      }
      (void)insight->apply(lines({line}), {});
    }
    (void)insight->flush(logs::Due::by_time);
  };
  fill('x');
  EXPECT_GT(figure(*insight, "templates_dropped_total"), 0);
  EXPECT_EQ(figure(*insight, "verdicts"), 1);
  insight.reset();
  insight = make(world, judge, keys);
  fill('y');
  EXPECT_THAT(told(insight->apply(lines({"ERROR harmless"}), {}).kept),
              ElementsAre(HasSubstr(R"("by":"person")")));
  EXPECT_EQ(judge->asked(), 2U);
}

TEST_F(InsightBoundsTest, WhatIsUsualOutlivesARestartAndWhatHasNoVerdictIsAskedAgain) {
  // the judge is unavailable
  auto insight = make(world, judge);
  std::uint32_t second = 0;
  const auto tick = [&](int many) {
    logs::Batch batch;
    for (int i = 0; i < many; ++i) add_line(batch, "ERROR tick", second);
    second += 60;
    return told(insight->apply(std::move(batch), {}).kept);
  };
  for (int window = 0; window < 10; ++window) (void)tick(5);
  EXPECT_EQ(judge->asked(), 1U);
  insight.reset();
  second += 36'000;
  judge->say("not seen before", verdict_json(false, "other"));
  judge->say("Many more", verdict_json(true, "overload"));
  insight = make(world, judge);
  (void)tick(5);
  EXPECT_EQ(judge->asked(), 2U) << "the first answer never came";
  EXPECT_THAT(tick(100), testing::Contains(HasSubstr(R"("class":"overload")")))
      << "five a window were usual";
}

TEST_F(InsightBoundsTest, ABrokenGateStopsNoStart) {
  (void)make(world, nullptr)->apply(lines({"ERROR one"}), {});
  const auto gate = world.folder() / "gate";
  ASSERT_TRUE(world.files.exists(gate));
  for (const std::string& text : {std::string("nonsense"), std::string("quern-gate 1\nrate 1")}) {
    ASSERT_TRUE(world.files.write(gate, as_bytes(text)).ok());
    const auto insight = make(world, nullptr);
    EXPECT_EQ(insight->apply(lines({"ERROR one"}), {}).kept.size(), 1U);
    EXPECT_EQ(as_text(world.files.read(gate.string() + ".broken", 1_MiB).value()), text);
  }
  EXPECT_TRUE(world.files.exists(gate)) << "it was learned anew";
}

TEST_F(InsightBoundsTest, AChangeWaitsForNoVerdict) {
  judge->say("", verdict_json(true, "other"));
  judge->hold();
  const auto old = make(world, judge, "wait = \"24h\"\n");
  std::jthread in_old([&] { (void)old->apply(lines({"ERROR one"}), {}); });
  eventually([&] { return figure(*old, "questions_waiting") == 1; });
  const auto changed = make(world, judge, "sample = 2");
  in_old.join();
  (void)old->flush(logs::Due::all);
  EXPECT_THAT(told(changed->apply(lines({"ERROR one"}), {}).kept),
              ElementsAre(HasSubstr(R"("template":{"id":1})")));
  EXPECT_EQ(figure(*changed, "unseen_total"), 0);
}

}  // namespace
}  // namespace quern::insight
