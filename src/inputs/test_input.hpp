// For tests: an input as a pipeline has it, running on a thread.
#pragma once

#include "base/fakes.hpp"
#include "base/process.hpp"

#include "inputs/inputs.hpp"
#include "inputs/test_support.hpp"
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <thread>

namespace quern::inputs::test {

// What a pipeline's file says of it, without [[input]].
class MadeInput {
 public:
  explicit MadeInput(const std::string& toml) {
    process.environment["SECRET"] = "open sesame";
    error = make(toml);
    if (!input) return;
    thread_ = std::jthread([this](const std::stop_token& stop) {
      name_this_thread("quern-test");
      result = input->run(sink, stop);
      over = true;
    });
  }
  ~MadeInput() { stop(); }
  MadeInput(const MadeInput&) = delete;
  MadeInput& operator=(const MadeInput&) = delete;

  void stop() {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    thread_.join();
  }
  // 0: there is no such figure.
  double figure(std::string_view name) const {
    for (const logs::Figure& one : input->figures()) {
      if (one.name == name) return one.value;
    }
    return 0;
  }
  // Once it listens.
  std::uint16_t port(std::string_view name) const {
    EXPECT_TRUE(eventually([&] { return figure(name) > 0 || over; }));
    return static_cast<std::uint16_t>(std::lround(figure(name)));
  }

  test::TempFolder folder;
  RealFiles files;
  SystemClock clock;
  FakeNetwork network;
  FakeProcess process;
  MemorySink sink;
  std::unique_ptr<logs::Input> input;
  std::string error;  // of its maker
  Result<> result;
  std::atomic<bool> over{false};

 private:
  std::string make(const std::string& toml) {
    auto settings = Settings::parse(toml, "pipe.toml");
    if (!settings.ok()) return settings.error().describe();
    logs::Makers makers;
    add_inputs(makers);
    const std::string type = settings->text("type").ok() ? *settings->text("type") : "";
    const logs::StageWorld world{.files = files,
                                 .clock = clock,
                                 .network = network,
                                 .process = process,
                                 .state = folder.path() / "state",
                                 .beside = folder.path(),
                                 .name = "in"};
    auto made = makers.inputs.at(type)(*settings, world);
    if (!made.ok()) return made.error().describe();
    if (const auto finished = settings->finish(); !finished.ok())
      return finished.error().describe();
    input = std::move(*made);
    return {};
  }

  std::jthread thread_;
};

}  // namespace quern::inputs::test
