// For tests of a whole Insight: made of keys, and what it said.
#pragma once

#include "base/deadline.hpp"

#include "insight/insight.hpp"
#include "insight/test_judge.hpp"
#include "insight/test_world.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace quern::insight {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

inline constexpr std::string_view kWait = "wait = \"60s\"\n";

inline std::unique_ptr<Insight> make(TestWorld& world, const std::shared_ptr<Judge>& judge,
                                     const std::string& keys = std::string(kWait)) {
  Settings settings = Settings::parse(keys, "pipe.toml").value();
  auto made = Insight::create(settings, world.stage(), judge);
  EXPECT_TRUE(made.ok()) << made.error().describe();
  const Result<> finished = settings.finish();
  EXPECT_TRUE(finished.ok()) << finished.error().describe();
  return *std::move(made);
}

// With a world and a judge of its own.
class InsightTest : public testing::Test {
 protected:
  TestWorld world;
  const std::shared_ptr<ScriptedJudge> judge = std::make_shared<ScriptedJudge>();
};

// Metadata of the records with the tag.
inline std::vector<std::string> told(const logs::Batch& batch, std::string_view tag = "app") {
  std::vector<std::string> all;
  for (const logs::Entry entry : batch) {
    if (entry.tag == tag) all.push_back(json_of(entry.metadata));
  }
  return all;
}

inline std::vector<std::string> records(const logs::Batch& batch, std::string_view tag) {
  std::vector<std::string> all;
  for (const logs::Entry entry : batch) {
    if (entry.tag == tag) all.push_back(json_of(entry.record));
  }
  return all;
}

}  // namespace quern::insight
