#include "pipeline/plan.hpp"

#include <gtest/gtest.h>

namespace quern::pipeline {
namespace {

using namespace std::chrono_literals;

Result<Plan> read(const std::string& toml) {
  Settings settings = TRY(Settings::parse(toml, "pipe.toml"));
  return read_plan(settings, "etc/pipe.toml");
}

constexpr auto kInput = "[[input]]\nname = \"in\"\ntype = \"x\"\n";
constexpr auto kOutput = "[[output]]\nname = \"out\"\ntype = \"y\"\n";

std::string why(const std::string& toml) {
  const auto plan = read(toml);
  return plan.ok() ? "ok" : plan.error().message();
}

TEST(Plan, WhatIsNotSaidHasItsDefault) {
  const auto plan = read(std::string(kInput) + kOutput);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->state, "etc/pipe.state");
  EXPECT_EQ(plan->outputs[0].buffering, Buffering::disk);
  EXPECT_EQ(plan->outputs[0].limit, 1_GiB);
  EXPECT_EQ(plan->outputs[0].stage.match, std::vector<std::string>{"*"});
}

TEST(Plan, BuffersAndRetries) {
  const auto plan = read(std::string(kInput) + kOutput + R"(
buffer = { type = "memory", limit = "32 MiB", when_full = "spill", spill_limit = "2 GiB" }
retry = { first = "2s", longest = "1min", attempts = 3 }
)");
  ASSERT_TRUE(plan.ok()) << plan.error().describe();
  EXPECT_EQ(plan->outputs[0].when_full, WhenFull::spill);
  EXPECT_EQ(plan->outputs[0].spill_limit, 2_GiB);
  EXPECT_EQ(plan->outputs[0].longest_pause, 60s);
  EXPECT_EQ(plan->outputs[0].attempts, 3U);
}

TEST(Plan, WhatIsWrongIsNamed) {
  EXPECT_EQ(why(kInput), "pipe.toml:1: output: there is no [[output]]");
  EXPECT_EQ(why(std::string(kInput) + kInput + kOutput),
            "pipe.toml:5: name in [[input]]: \"in\" is the name of another stage");
  EXPECT_EQ(why("[[input]]\nname = \"../x\"\ntype = \"x\"\n"),
            "pipe.toml:2: name in [[input]]: must be 1 to 64 letters, digits, \"-\" or \"_\"");
  EXPECT_EQ(
      why(std::string(kInput) + kOutput + "buffer = { when_full = \"spill\" }\n"),
      "pipe.toml:7: when_full in buffer of [[output]] out: only memory can spill (onto the disk)");
  EXPECT_EQ(why(std::string(kInput) + kOutput + "buffer = { limit = \"1 KiB\" }\n"),
            "pipe.toml:7: limit in buffer of [[output]] out: must be at least 16 MiB");
}

}  // namespace
}  // namespace quern::pipeline
