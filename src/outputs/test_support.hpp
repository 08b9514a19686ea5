// What outputs' tests share: records of JSON, a world of fakes, outputs by their settings.
#pragma once

#include "base/fakes.hpp"

#include "logs/json.hpp"
#include "logs/msgpack.hpp"
#include "outputs/makers.hpp"
#include "outputs/outputs.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>

namespace quern::outputs::test {

constexpr std::uint32_t kSecond = 1'795'340'401;  // 2026-11-22T09:40:01Z

inline Buffer record(std::string_view json) {
  Buffer out;
  EXPECT_TRUE(logs::from_json(json, out).ok()) << json;
  return out;
}

inline void add(logs::Batch& batch, std::string_view tag, std::string_view json,
                std::uint32_t seconds = kSecond, std::uint32_t nanoseconds = 0) {
  batch.add(tag, {.seconds = seconds, .nanoseconds = nanoseconds}, record(json));
}

// Why the records of a batch are dead, one a line.
inline std::string reasons(const logs::Batch& dead) {
  std::string all;
  for (const logs::Entry& entry : dead) {
    EXPECT_TRUE(logs::msgpack::to_json(entry.metadata, all).ok());
    all += '\n';
  }
  return all;
}

struct World {
  FakeFiles files;
  ManualClock clock;
  FakeNetwork network;
  FakeProcess process;
  logs::StageWorld world{files, clock, network, process, "/state", "/pipes", "out"};
};

inline Made output(std::string_view type, std::string_view toml, const logs::StageWorld& world) {
  Settings settings = TRY(Settings::parse(toml, "pipe.toml"));
  logs::Makers makers;
  add_outputs(makers);
  auto made = TRY(makers.outputs.find(type)->second(settings, world));
  TRY(settings.finish());
  return made;
}

inline std::unique_ptr<logs::Output> must_make(std::string_view type, std::string_view toml,
                                               const logs::StageWorld& world) {
  Made made = output(type, toml, world);
  EXPECT_TRUE(made.ok()) << made.error().describe();
  return made.ok() ? *std::move(made) : nullptr;
}

inline std::string refused(std::string_view type, std::string_view toml,
                           const logs::StageWorld& world) {
  const Made made = output(type, toml, world);
  return made.ok() ? "" : made.error().describe();
}

// `got` against tests/golden/logs/NAME; QUERN_RENEW_GOLDEN=1 writes it.
inline void expect_golden(const std::string& name, const std::string& got) {
  const std::filesystem::path path = std::filesystem::path(QUERN_GOLDEN_LOGS) / name;
  if (std::getenv("QUERN_RENEW_GOLDEN") != nullptr) std::ofstream(path) << got;  // NOLINT
  std::ostringstream want;
  want << std::ifstream(path).rdbuf();
  EXPECT_EQ(want.str(), got) << path;
}

}  // namespace quern::outputs::test
