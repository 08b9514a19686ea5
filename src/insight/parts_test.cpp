// The smaller parts: severities, verdicts, rules, budget, the cache, sessions.
#include "insight/budget.hpp"
#include "insight/on_demand.hpp"
#include "insight/rules.hpp"
#include "insight/session_tracker.hpp"
#include "insight/severity.hpp"
#include "insight/test_files.hpp"
#include "insight/test_judge.hpp"
#include "insight/test_world.hpp"
#include "insight/verdict.hpp"
#include "insight/verdict_cache.hpp"
#include "insight/window.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

namespace quern::insight {
namespace {

using mining::Severity;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::chrono_literals;

const Vocabulary kWords{.classes = {"storage", "other"}, .actions = {"page"}};

TEST(Severity, IsReadFromTheRecordOrTheLine) {
  const auto of = [](std::string_view json, std::string_view key = "") {
    const Buffer record = map_of(json);
    return severity_of(record, logs::line_of(record).value_or(""), key);
  };
  EXPECT_EQ(of(R"({"log": "x", "level": "WARN"})"), Severity::warning);
  EXPECT_EQ(of(R"({"log": "x", "severity": 2})"), Severity::critical);
  EXPECT_EQ(of(R"({"log": "x", "PRIORITY": "3"})"), Severity::error);
  EXPECT_EQ(of(R"({"log": "2026-11-22 10:00:01 app FATAL out of memory"})"), Severity::critical);
  EXPECT_EQ(of(R"({"log": "no ERRORS here, INFORM nobody"})"), Severity::info);
  EXPECT_EQ(of(R"({"log": "ERROR x", "lv": {"l": "notice"}})", "lv.l"), Severity::notice);
  EXPECT_EQ(of(R"({"log": "ERROR x"})", "lv"), Severity::info) << "the key says nothing";
}

TEST(Verdict, OfAModelIsNotBelievedButChecked) {
  const auto good = parse_verdict(verdict_json(true, "storage", "page"), kWords);
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(good->action, "page");
  EXPECT_EQ(parse_verdict(to_json(*good), kWords)->reason, good->reason);
  for (const std::string& bad :
       {std::string("nothing"), std::string("{}"), std::string("[]"), verdict_json(true, "weather"),
        verdict_json(true, "storage", "reboot"),
        std::string(R"({"anomaly":1,"class":"other","severity":"info","confidence":1})"),
        std::string(R"({"anomaly":true,"class":"other","severity":"info","confidence":1.5})"),
        std::string(R"({"anomaly":true,"class":"other","severity":"loud","confidence":1})")}) {
    EXPECT_FALSE(parse_verdict(bad, kWords).ok()) << bad;
  }
  const auto long_reason = parse_verdict(R"({"reason":")" + std::string(500, 'x') +
                                             R"(\u001b","class":"other","severity":"info",)" +
                                             R"("anomaly":false,"confidence":0,"action":"none"})",
                                         kWords);
  EXPECT_LE(long_reason->reason.size(), 203U);
}

TEST(Verdict, AGrammarForcesItsForm) {
  const std::string grammar = grammar_of({.classes = {"a \"b\" \\"}, .actions = {"page"}});
  EXPECT_THAT(grammar, HasSubstr(R"(class ::= "\"a \\\"b\\\" \\\\\"")"));
  EXPECT_THAT(grammar, HasSubstr(R"(action ::= "\"none\"" | "\"page\"")"));
}

TEST(Rules, TheFirstPatternThatMatchesIsNamed) {
  const Rules rules = Rules::create({"root login", "^panic"}, Severity::alert).value();
  EXPECT_EQ(*rules.broken_by("a root login", Severity::info), "root login");
  EXPECT_EQ(*rules.broken_by("panic: root login", Severity::info), "root login");
  EXPECT_EQ(*rules.broken_by("panic\xff", Severity::info), "^panic");
  EXPECT_EQ(*rules.broken_by("x", Severity::alert), "severity");
  EXPECT_EQ(rules.broken_by("x panic", Severity::critical), nullptr);
  EXPECT_EQ(Rules::create({}, std::nullopt)->broken_by("x", Severity::emergency), nullptr);
}

TEST(Budget, HoldsForAMinuteAndADay) {
  Budget budget({.minute = 100, .day = 150});
  const Budget::Date start{std::chrono::hours(24 * 20'000)};
  EXPECT_TRUE(budget.take(80, start));
  EXPECT_FALSE(budget.take(30, start));
  budget.settle(80, 50);
  EXPECT_TRUE(budget.take(50, start));
  EXPECT_FALSE(budget.take(1, start));
  EXPECT_TRUE(budget.take(50, start + 1min));
  EXPECT_FALSE(budget.take(1, start + 2min)) << "the day's are spent";
  EXPECT_FALSE(budget.take(1, start - 24h)) << "a clock that goes back begins no day";
  Budget later({.minute = 100, .day = 150});
  later.load(map_of(budget.save()));
  EXPECT_FALSE(later.take(1, start + 3min));
  EXPECT_TRUE(later.take(100, start + 24h));
}

TEST(Budget, AClockThatJumpedAheadSpendsNoFuture) {
  Budget budget({.minute = 100, .day = 150});
  const Budget::Date start{std::chrono::hours(24 * 20'000)};
  EXPECT_TRUE(budget.take(100, start + 24h * 365));
  Budget later({.minute = 100, .day = 150});
  later.load(map_of(budget.save()));
  EXPECT_TRUE(later.take(100, start));
  EXPECT_FALSE(later.take(1, start));
  EXPECT_TRUE(later.fits(100));
  EXPECT_FALSE(later.fits(101));
}

TEST(VerdictCache, FollowsTemplatesAndKeepsPeoplesWord) {
  TestWorld world;
  VerdictCache cache = VerdictCache::load(world.files, "/v", "p", kWords).value();
  const Verdict verdict = parse_verdict(verdict_json(true, "storage"), kWords).value();
  const auto keep = [&](mining::TemplateId id, Kept::Source source, std::string line) {
    cache.put({id, About::line}, {.verdict = verdict, .source = source, .line = std::move(line)});
  };
  keep(1, Kept::Source::model, "one");
  keep(2, Kept::Source::person, "two");
  keep(2, Kept::Source::model, "no");
  keep(3, Kept::Source::model, "three");
  keep(mining::kRest, Kept::Source::person, "all that found no room");
  EXPECT_EQ(cache.find({mining::kRest, About::line}), nullptr);
  cache.follow(
      [](mining::TemplateId id) { return id == 3 ? mining::kRest : mining::TemplateId{1}; });
  EXPECT_EQ(cache.size(), 1U);
  EXPECT_EQ(cache.find({1, About::line})->line, "two");
  EXPECT_EQ(cache.find({1, About::rate}), nullptr);
  EXPECT_THAT(cache.examples(4), SizeIs(1));
  const auto text = cache.due();
  ASSERT_TRUE(text.has_value());
  EXPECT_FALSE(cache.due().has_value());
  ASSERT_TRUE(world.files.write("/v", as_bytes(*text)).ok());
  EXPECT_EQ(VerdictCache::load(world.files, "/v", "other", kWords)->size(), 1U);
  ASSERT_TRUE(world.files.write("/v", as_bytes("{\"template\": -1}\n")).ok());
  EXPECT_THAT(VerdictCache::load(world.files, "/v", "p", kWords).error().describe(),
              HasSubstr("/v:1"));
}

TEST(VerdictCache, KeepsPeoplesWordAboutWhatIsNotConfiguredNow) {
  TestWorld world;
  const Vocabulary more{.classes = {"storage", "weather", "other"}, .actions = {"page"}};
  const auto load = [&](const Vocabulary& words) {
    return VerdictCache::load(world.files, "/v", "p", words).value();
  };
  const auto save = [&](VerdictCache& cache) {
    ASSERT_TRUE(world.files.write("/v", as_bytes(*cache.due())).ok());
  };
  const Verdict weather = parse_verdict(verdict_json(true, "weather"), more).value();
  VerdictCache before = load(more);
  before.put({1, About::line}, {.verdict = weather, .source = Kept::Source::person});
  save(before);
  VerdictCache without = load(kWords);
  EXPECT_EQ(without.find({1, About::line}), nullptr);
  const Verdict storage = parse_verdict(verdict_json(true, "storage"), kWords).value();
  without.put({2, About::line}, {.verdict = storage, .source = Kept::Source::person});
  save(without);
  EXPECT_EQ(load(more).find({1, About::line})->verdict.kind, "weather");
  EXPECT_EQ(load(more).find({2, About::line})->verdict.kind, "storage");
}

TEST(SessionTracker, IsBoundedAndEndsWhatIsIdle) {
  SessionTracker tracker({.idle = 10s, .to_learn = 1, .open = 2, .lines = 3}, {});
  const Clock::Time start{};
  const auto same = [](mining::TemplateId id) { return id; };
  for (int i = 0; i < 5; ++i) tracker.add("a", 1, start);
  tracker.add("b", 1, start + 1s);
  tracker.add("c", 2, start + 2s);
  EXPECT_EQ(tracker.open(), 2U);
  EXPECT_THAT(tracker.ended(start + 3s, SessionTracker::End::idle, same), IsEmpty())
      << "\"a\" was pushed out, and is what sessions look like";
  const auto broken = tracker.ended(start + 11s, SessionTracker::End::idle, same);
  ASSERT_THAT(broken, SizeIs(1));
  EXPECT_EQ(broken[0].name, "b");
  EXPECT_THAT(tracker.ended(start + 11s, SessionTracker::End::all, same), SizeIs(1));
  EXPECT_EQ(tracker.open(), 0U);
}

TEST(OnDemand, ThreadsOfOneFilterTakeNoOtherForAFilterThatWaits) {
  TestWorld world;
  RealisticFiles files(world.files);
  const logs::StageWorld stage{.files = files,
                               .clock = world.clock,
                               .network = world.network,
                               .process = world.process,
                               .state = world.folder(),
                               .beside = "/",
                               .name = "insight"};
  Guarded<int> looking;
  std::future<bool> other;
  files.locked = [&] {
    other = std::async(std::launch::async, [&] { return is_waited_for(stage, looking); });
    other.wait_for(50ms);  // time to take the one for the other
  };
  EXPECT_FALSE(is_waited_for(stage, looking));
  EXPECT_FALSE(other.get());
  const auto next = files.try_lock(stage.state / "next");
  EXPECT_TRUE(is_waited_for(stage, looking));
}

TEST(Window, TellsATextOnceAndAgainWhenItBecameWider) {
  Told told;
  std::string text = "job 1";
  const auto counts = [&] {
    Window window;
    window.lines = 1;
    window.templates[1].lines = 1;
    logs::Batch out;
    write_counts(
        window, 60, [&](mining::TemplateId) -> const std::string& { return text; }, told, "summary",
        out);
    return json_of(out[0].record);
  };
  EXPECT_THAT(counts(), HasSubstr(R"("text":"job 1")"));
  EXPECT_THAT(counts(), testing::Not(HasSubstr("text")));
  text = "job <*>";
  EXPECT_THAT(counts(), HasSubstr(R"("text":"job <*>")"));
  for (int i = 0; i < 59; ++i) EXPECT_THAT(counts(), testing::Not(HasSubstr("text"))) << i;
  EXPECT_THAT(counts(), HasSubstr("text"));
}

}  // namespace
}  // namespace quern::insight
