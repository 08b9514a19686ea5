// For tests: a stage's world in memory, batches out of lines, records as JSON.
#pragma once

#include "base/deadline.hpp"
#include "base/fakes.hpp"

#include "logs/logs.hpp"
#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace quern::insight {

struct TestWorld {
  FakeFiles files;
  ManualClock clock;
  FakeNetwork network;
  FakeProcess process;

  std::filesystem::path folder() const { return "/state"; }
  logs::StageWorld stage() {
    return {.files = files,
            .clock = clock,
            .network = network,
            .process = process,
            .state = folder(),
            .beside = "/",
            .name = "insight"};
  }
};

inline Buffer map_of(std::string_view json) {
  Buffer record;
  EXPECT_TRUE(logs::from_json(json, record).ok()) << json;
  return record;
}

inline std::string json_of(ByteView object) {
  std::string json;
  EXPECT_TRUE(logs::msgpack::to_json(object, json).ok());
  return json;
}

inline void add_line(logs::Batch& batch, std::string_view line, std::uint32_t seconds = 0) {
  Buffer record;
  logs::line_record("log", line, record);
  batch.add("app", {.seconds = seconds}, record);
}

inline logs::Batch lines(std::initializer_list<std::string_view> texts) {
  logs::Batch batch;
  for (const std::string_view text : texts) add_line(batch, text);
  return batch;
}

inline std::vector<std::string> metadata_of(const logs::Batch& batch) {
  std::vector<std::string> all;
  for (const logs::Entry entry : batch) all.push_back(json_of(entry.metadata));
  return all;
}

// Waits for what another thread does, at most a minute.
inline void eventually(const std::function<bool()>& holds) {
  const Deadline last = Deadline::in(std::chrono::seconds(60));
  bool held = holds();
  for (; !held && !last.passed(); held = holds()) std::this_thread::yield();
  ASSERT_TRUE(held) << "it did not come within a minute";
}

// -1: there is none.
inline double figure(const logs::Filter& filter, std::string_view name,
                     std::string_view label = "") {
  for (const logs::Figure& one : filter.figures()) {
    if (one.name == name && (label.empty() || one.labels.at(0).second == label)) return one.value;
  }
  return -1;
}

}  // namespace quern::insight
