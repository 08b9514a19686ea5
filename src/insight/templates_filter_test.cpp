#include "insight/templates_filter.hpp"

#include "insight/test_world.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <thread>

namespace quern::insight {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::unique_ptr<logs::Filter> make(TestWorld& world, const std::string& keys = "") {
  Settings settings = Settings::parse(keys, "pipe.toml").value();
  auto made = TemplatesFilter::make(settings, world.stage());
  EXPECT_TRUE(made.ok()) << made.error().describe();
  EXPECT_TRUE(settings.finish().ok());
  return *std::move(made);
}

TEST(TemplatesFilter, TellsEachRecordItsTemplate) {
  TestWorld world;
  const auto filter = make(world, "text = true\nparameters = true");
  logs::Batch batch = lines({"took 12 times", "took 7 times", "started"});
  batch.add("app", {}, map_of("{\"level\": 3}"));
  const logs::Filtered out = filter->apply(std::move(batch), {});
  EXPECT_THAT(metadata_of(out.kept),
              ElementsAre(R"({"template":{"id":1,"text":"took <*> times","parameters":["12"]}})",
                          R"({"template":{"id":1,"text":"took <*> times","parameters":["7"]}})",
                          R"({"template":{"id":2,"text":"started","parameters":[]}})", "{}"));
  EXPECT_EQ(figure(*filter, "lineless_total"), 1);
  EXPECT_EQ(figure(*filter, "template_lines_total", "1"), 2);
}

TEST(TemplatesFilter, PutsItIntoTheRecordUnderAKeyOfChoice) {
  TestWorld world;
  const auto filter = make(world, "into = \"record\"\nkey = \"t\"\nline = \"deep.text\"");
  logs::Batch batch;
  batch.add("app", {}, map_of(R"({"log": "x", "deep": {"text": "took 12 ms"}})"));
  const logs::Filtered out = filter->apply(std::move(batch), {});
  EXPECT_EQ(json_of(out.kept[0].record),
            R"({"log":"x","deep":{"text":"took 12 ms"},"t":{"id":1}})");
}

TEST(TemplatesFilter, GoesOnWhereItEnded) {
  TestWorld world;
  (void)make(world)->apply(lines({"a b", "took 12 ms"}), {});
  const auto filter = make(world, "text = true");
  const logs::Filtered out = filter->apply(lines({"took 9 ms", "new one"}), {});
  EXPECT_THAT(metadata_of(out.kept), ElementsAre(HasSubstr("\"id\":2"), HasSubstr("\"id\":3")));
  EXPECT_EQ(figure(*filter, "template_lines_total", "2"), 2);
}

TEST(TemplatesFilter, SavesNewTemplatesAtOnceAndCountsNowAndThen) {
  TestWorld world;
  const auto filter = make(world, "save_every = \"10s\"");
  const auto saved = [&] {
    return std::string(as_text(world.files.read(world.folder() / "templates", 1_MiB).value()));
  };
  (void)filter->apply(lines({"took 1 ms"}), {});
  (void)filter->flush(logs::Due::by_time);
  EXPECT_THAT(saved(), HasSubstr("template 1 1 1 1\n"));
  (void)filter->apply(lines({"took 2 ms"}), {});
  world.clock.advance(std::chrono::seconds(9));
  (void)filter->flush(logs::Due::by_time);
  EXPECT_THAT(saved(), HasSubstr("template 1 1 1 1\n"));
  world.clock.advance(std::chrono::seconds(1));
  (void)filter->flush(logs::Due::by_time);
  EXPECT_THAT(saved(), HasSubstr("template 1 1 2 2\n"));
}

TEST(TemplatesFilter, AFullDiskStopsNoRecordAndIsTriedAgain) {
  TestWorld world;
  const auto filter = make(world);
  world.files.fail_at_change(1, Error(ErrorKind::resource_exhausted, "full"));
  EXPECT_EQ(filter->apply(lines({"a"}), {}).kept.size(), 1U);
  (void)filter->flush(logs::Due::by_time);
  EXPECT_GE(figure(*filter, "unsaved_total"), 1);
  EXPECT_THAT(metadata_of(filter->apply(lines({"b"}), {}).kept), ElementsAre(HasSubstr("\"id\":0")))
      << "no id that may be given again";
  world.files.work_again();
  world.clock.advance(std::chrono::seconds(1));
  (void)filter->flush(logs::Due::by_time);
  EXPECT_TRUE(world.files.exists(world.folder() / "templates"));
  EXPECT_THAT(metadata_of(filter->apply(lines({"b"}), {}).kept),
              ElementsAre(HasSubstr("\"id\":1")));
}

TEST(TemplatesFilter, AFullDiskIsTriedLessAndLessOften) {
  TestWorld world;
  const auto filter = make(world, "save_every = \"10s\"");
  world.files.fail_at_change(1, Error(ErrorKind::resource_exhausted, "full"));
  (void)filter->apply(lines({"a"}), {});
  const int before = world.files.changes();
  for (int tick = 0; tick < 600; ++tick) {  // a minute
    (void)filter->flush(logs::Due::by_time);
    world.clock.advance(std::chrono::milliseconds(100));
  }
  // At 0, 1, 3, 7, 15, 25, 35, 45 and 55 seconds.
  EXPECT_EQ(world.files.changes() - before, 9);
  world.files.work_again();
  world.clock.advance(std::chrono::seconds(10));
  (void)filter->flush(logs::Due::by_time);
  EXPECT_TRUE(world.files.exists(world.folder() / "templates"));
}

// By line; none of those that found no room.
std::map<std::string, std::string> ids_of(logs::Filter& filter, unsigned from, unsigned to) {
  std::map<std::string, std::string> ids;
  for (unsigned i = from; i < to; ++i) {
    const std::string line = "job" + std::string(i + 1, 'x') + " ended";
    const std::string told = metadata_of(filter.apply(lines({line, line}), {}).kept).at(0);
    if (told.find("\"id\":0") == std::string::npos) ids[line] = told;
  }
  return ids;
}

// What follows a kill is no change of the disk any more, or half of one.
TEST(TemplatesFilter, KilledBehindAnyBatchItTellsTheSameIds) {
  for (unsigned batches = 0; batches < 8; ++batches) {
    TestWorld world;
    auto filter = make(world);
    const auto told = ids_of(*filter, 0, batches);
    EXPECT_EQ(told.size(), batches);
    world.files.fail_at_change(1, Error(ErrorKind::unavailable, "killed"));
    filter.reset();
    world.files.work_again();
    filter = make(world);
    (void)ids_of(*filter, 8, 10);
    EXPECT_EQ(ids_of(*filter, 0, batches), told);
  }
}

TEST(TemplatesFilter, WhateverTheDiskTookNoIdIsGivenTwice) {
  for (int change = 1; change < 30; ++change) {
    TestWorld world;
    auto filter = make(world);
    world.files.fail_at_change(change, Error(ErrorKind::resource_exhausted, "full"));
    const auto told = ids_of(*filter, 0, 10);
    filter.reset();
    world.files.work_again();
    filter = make(world);
    const auto later = ids_of(*filter, 20, 30);
    EXPECT_EQ(later.size(), 10U);
    for (const auto& [line, id] : told) {
      for (const auto& [other, given] : later) EXPECT_NE(given, id) << change << ": " << line;
    }
  }
}

TEST(TemplatesFilter, AChangedOneGoesOnWhereTheOldOneEnded) {
  TestWorld world;
  const auto old = make(world);
  (void)old->apply(lines({"a b", "took 12 times"}), {});
  const auto changed = make(world, "text = true");
  std::jthread impatient([&] {
    eventually([&] { return world.clock.sleepers() > 0; });
    (void)old->flush(logs::Due::all);
    world.clock.advance(std::chrono::seconds(1));
  });
  const logs::Filtered out = changed->apply(lines({"took 9 times"}), {});
  EXPECT_THAT(metadata_of(out.kept), ElementsAre(HasSubstr("\"id\":2")));
}

TEST(TemplatesFilter, WhileTheFolderIsAnothersRecordsPassAsTheyAre) {
  TestWorld world;
  const auto first = make(world);
  const auto second = make(world);
  std::jthread wind([&](const std::stop_token& stop) {
    const Deadline last = Deadline::in(std::chrono::seconds(60));
    while (!stop.stop_requested() && !last.passed()) world.clock.advance(std::chrono::seconds(1));
  });
  EXPECT_THAT(metadata_of(second->apply(lines({"a"}), {}).kept), ElementsAre("{}"));
  EXPECT_EQ(figure(*second, "unlabelled_total"), 1);
}

TEST(TemplatesFilter, RefusesAStateThatIsBroken) {
  TestWorld world;
  ASSERT_TRUE(world.files.make_directories(world.folder(), 0700).ok());
  ASSERT_TRUE(world.files.write(world.folder() / "templates", as_bytes("nonsense")).ok());
  const auto broken = TemplatesFilter::create({}, world.stage());
  ASSERT_FALSE(broken.ok());
  EXPECT_THAT(broken.error().describe(), HasSubstr("learned anew"));
}

TEST(TemplatesFilter, WhatALossOfPowerToreStopsNoStart) {
  TestWorld world;
  const std::string file = (world.folder() / "templates").string();
  const auto saved = [&] { return std::string(as_text(world.files.read(file, 1_MiB).value())); };
  auto filter = make(world);
  (void)filter->apply(lines({"one"}), {});
  (void)filter->apply(lines({"two words"}), {});
  const std::string torn = saved() + std::string(100, '\0') + "\ngone 1\n";
  filter.reset();
  ASSERT_TRUE(world.files.write(file, as_bytes(torn)).ok());
  filter = make(world);
  EXPECT_THAT(metadata_of(filter->apply(lines({"two words", "one"}), {}).kept),
              ElementsAre(HasSubstr("\"id\":2"), HasSubstr("\"id\":1")));
  EXPECT_EQ(saved().find('\0'), std::string::npos) << "it is whole again";
}

TEST(TemplatesFilter, ManyThreadsAtATime) {
  TestWorld world;
  const auto filter = make(world);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 50; ++i) {
          EXPECT_EQ(filter->apply(lines({"took 1 ms", "other"}), {}).kept.size(), 2U);
        }
      });
    }
  }
  EXPECT_EQ(figure(*filter, "lines_total"), 400);
}

}  // namespace
}  // namespace quern::insight
