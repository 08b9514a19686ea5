// For tests: a pipeline of fake stages on a folder of its own.
#pragma once

#include "base/fakes.hpp"

#include "pipeline/fake_stages.hpp"
#include "pipeline/pipeline.hpp"
#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace quern::pipeline {

class PipelineTest : public ::testing::Test {
 protected:
  static constexpr std::string_view kPlain = R"(
[[input]]
name = "in"
type = "fed"
[[filter]]
name = "marks"
type = "mark"
word = "a"
[[output]]
name = "out"
type = "keeping"
retry = { first = "1ms", longest = "5ms" }
)";

  World world() {
    return {.files = files_, .clock = clock_, .network = network_, .process = process_};
  }
  Stage& stage(const std::string& name) { return *(*stages_)[name]; }
  std::unique_ptr<Pipeline> start(std::string_view toml) {
    auto pipeline = Pipeline::start(scratch_.write(toml), fake_makers(stages_), world());
    EXPECT_TRUE(pipeline.ok()) << pipeline.error().describe();
    return pipeline.ok() ? *std::move(pipeline) : nullptr;
  }
  void feed(std::string_view tag, std::initializer_list<std::string_view> records) {
    EXPECT_TRUE(stage("in").feed.try_push(batch_of(tag, records)).ok());
  }
  StageState state(const Pipeline& pipeline, std::string_view name) {
    for (StageState& one : pipeline.stages()) {
      if (one.name == name) return one;
    }
    ADD_FAILURE() << name;
    return {};
  }

  Scratch scratch_;
  RealFiles files_;
  SystemClock clock_;
  FakeNetwork network_;
  FakeProcess process_;
  std::shared_ptr<StagesByName> stages_ = std::make_shared<StagesByName>();
};

}  // namespace quern::pipeline
