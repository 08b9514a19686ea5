// What the tests of this room share: an engine, a made-up world, stages by their tables.
#pragma once

#include "base/fakes.hpp"
#include "base/files.hpp"

#include "plugins/plugins.hpp"
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quern::plugins::testing {

using namespace std::chrono_literals;

inline wasm::Engine& shared_engine() {
  static const std::unique_ptr<wasm::Engine> engine =
      wasm::Engine::create({.worker_threads = 2, .max_instances = 64}).value();
  return *engine;
}

// The guests' folder is where a pipeline's file would lie.
struct World {
  RealFiles files;
  ManualClock clock;
  FakeNetwork network;
  FakeProcess process;
  logs::Makers makers;

  World() {
    add_plugins(makers, []() -> Result<wasm::Engine*> { return &shared_engine(); });
  }

  logs::StageWorld stage() {
    return {.files = files,
            .clock = clock,
            .network = network,
            .process = process,
            .state = {},
            .beside = QUERN_HOSTILE_GUESTS,
            .name = "test"};
  }

  template <class Stage>
  Result<std::unique_ptr<Stage>> make(const logs::Maker<Stage>& maker, const std::string& table) {
    Settings settings = TRY(Settings::parse(table, "pipe.toml"));
    auto made = TRY(maker(settings, stage()));
    TRY(settings.finish());
    return made;
  }
  Result<std::unique_ptr<logs::Filter>> filter(const std::string& table) {
    return make(makers.filters.at("wasm"), table);
  }
  Result<std::unique_ptr<logs::Input>> input(const std::string& table) {
    return make(makers.inputs.at("wasm"), table);
  }
};

inline logs::Batch batch_of(const std::vector<std::string>& records,
                            std::string_view tag = "app.web") {
  logs::Batch batch;
  for (const std::string& record : records) {
    Buffer packed;
    EXPECT_TRUE(logs::from_json(record, packed).ok()) << record;
    batch.add(tag, {.seconds = 1700000000, .nanoseconds = 42}, packed);
  }
  return batch;
}

inline std::vector<std::string> json_of(const logs::Batch& batch) {
  std::vector<std::string> all;
  for (const logs::Entry& entry : batch) {
    std::string text;
    EXPECT_TRUE(logs::msgpack::to_json(entry.record, text).ok());
    all.push_back(text);
  }
  return all;
}

inline double figure(const std::vector<logs::Figure>& figures, std::string_view name,
                     std::string_view label = {}) {
  for (const logs::Figure& figure : figures) {
    if (figure.name == name &&
        (label.empty() || (!figure.labels.empty() && figure.labels.front().second == label)))
      return figure.value;
  }
  ADD_FAILURE() << "no figure " << name << " " << label;
  return -1;
}

}  // namespace quern::plugins::testing
