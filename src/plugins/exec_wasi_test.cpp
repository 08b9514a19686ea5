// Commands whose lines are records. The guest is guests/hostile/lines.cpp.
#include "base/deadline.hpp"
#include "base/stop.hpp"

#include "plugins/test_support.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace quern::plugins {
namespace {

using namespace testing;

// Takes what it gets, or nothing at all.
class TestSink final : public logs::Sink {
 public:
  Result<> accept(logs::Batch batch, const std::stop_token& stop) override {
    std::unique_lock lock(mutex_);
    TRY(wait_until(changed_, lock, Deadline::never(), stop, [this] { return open_; }));
    batch_.append(std::move(batch));
    changed_.notify_all();
    return {};
  }
  Result<> sync() override { return {}; }

  void open(bool open) {
    const std::lock_guard lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }
  bool wait_for(std::size_t records) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 30s, [&] { return batch_.size() >= records; });
  }
  std::vector<std::string> records() {
    const std::lock_guard lock(mutex_);
    return json_of(batch_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool open_ = true;
  logs::Batch batch_;
};

class ExecWasiTest : public ::testing::Test {
 protected:
  std::unique_ptr<logs::Input> make(const std::string& more) {
    auto made = world.input("wasm_path = \"lines.wasm\"\n" + more);
    EXPECT_TRUE(made.ok()) << made.error().describe();
    return made.ok() ? *std::move(made) : nullptr;
  }
  // With a thread of its own, as the pipeline does it.
  struct Running {
    std::unique_ptr<logs::Input> input;
    TestSink sink;
    Result<> ended;
    std::jthread thread;
    explicit Running(std::unique_ptr<logs::Input> given) : input(std::move(given)) {
      thread = std::jthread([this](std::stop_token stop) { ended = input->run(sink, stop); });
    }
  };
  void until_asleep() {
    while (world.clock.sleepers() == 0) std::this_thread::yield();
  }

  World world;
};

TEST_F(ExecWasiTest, EachLineIsARecordAlsoTheLastWithoutAnEnd) {
  const auto input = make(
      "oneshot = true\nargs = [\"words\", \"one\", \"\", \"two\"]\nkey = \"line\"\ntag = \"t\"\n"
      "[env]\nGREETING = \"hello\"\n");
  TestSink sink;
  EXPECT_TRUE(input->run(sink, {}).ok());
  EXPECT_EQ(sink.records(), (std::vector<std::string>{R"({"line":"one"})", R"({"line":""})",
                                                      R"({"line":"two"})", R"({"line":"hello"})"}));
}

TEST_F(ExecWasiTest, LinesOfNearlyAMegabyteAreWholeAndLongerOnesCounted) {
  const auto input = make("oneshot = true\nargs = [\"long\", \"1000000\"]\n");
  TestSink sink;
  EXPECT_TRUE(input->run(sink, {}).ok());
  const auto records = sink.records();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0], R"({"wasi_stdout":")" + std::string(1'000'000, 'x') + R"("})");
  EXPECT_EQ(figure(input->figures(), "wasm_lines_cut_total"), 0);

  const auto longer = make("oneshot = true\nargs = [\"long\", \"3000000\"]\n");
  TestSink other;
  EXPECT_TRUE(longer->run(other, {}).ok());
  EXPECT_EQ(other.records().size(), 2U);
  EXPECT_EQ(figure(longer->figures(), "wasm_lines_cut_total"), 1);
}

TEST_F(ExecWasiTest, ALineFlowsWhileTheProgramRuns) {
  Running running(make("args = [\"stream\"]\n"));
  EXPECT_TRUE(running.sink.wait_for(1));
  EXPECT_EQ(running.sink.records(), std::vector<std::string>{R"({"wasi_stdout":"first"})"});
  running.thread.request_stop();
  running.thread.join();
  EXPECT_TRUE(running.ended.ok());
}

TEST_F(ExecWasiTest, ItRunsAgainAfterItsInterval) {
  Running running(make("args = [\"words\"]\ninterval = \"5s\"\n"));
  until_asleep();
  EXPECT_TRUE(running.sink.wait_for(1));
  world.clock.advance(5s);
  EXPECT_TRUE(running.sink.wait_for(2));
}

TEST_F(ExecWasiTest, AProgramThatFailsIsRunAgainAfterAGrowingPause) {
  Running running(make("args = [\"code\", \"3\"]\n"));
  const auto failed = [&] { return figure(running.input->figures(), "wasm_runs_failed_total"); };
  until_asleep();
  EXPECT_EQ(failed(), 1);
  world.clock.advance(1s);
  until_asleep();
  while (failed() < 2) std::this_thread::yield();
  until_asleep();
  world.clock.advance(1s);
  EXPECT_EQ(failed(), 2);  // two seconds this time
  world.clock.advance(1s);
  while (failed() < 3) std::this_thread::yield();
}

TEST_F(ExecWasiTest, WhatATrappingProgramPrintedIsThere) {
  const auto input = make("oneshot = true\nargs = [\"trap\"]\n");
  TestSink sink;
  const Result<> ended = input->run(sink, {});
  ASSERT_FALSE(ended.ok());
  EXPECT_NE(ended.error().message().find("unreachable"), std::string::npos)
      << ended.error().describe();
  EXPECT_EQ(sink.records(), std::vector<std::string>{R"({"wasi_stdout":"before"})"});
}

TEST_F(ExecWasiTest, OneThatPrintsWithoutEndWaitsForTheBranches) {
  Running running(make("args = [\"flood\"]\n"));
  EXPECT_TRUE(running.sink.wait_for(100'000));
  running.sink.open(false);
  const auto lines = [&] { return figure(running.input->figures(), "wasm_lines_total"); };
  double before = -1;
  while (before != lines()) {  // until the pipe is full
    before = lines();
    std::this_thread::sleep_for(50ms);
  }
  running.sink.open(true);
  EXPECT_TRUE(running.sink.wait_for(static_cast<std::size_t>(before) + 10'000));
  running.thread.request_stop();
  running.thread.join();
  const auto records = running.sink.records();
  for (std::size_t i = 0; i < records.size(); i += 997) {
    ASSERT_EQ(records[i], R"({"wasi_stdout":"line )" + std::to_string(i) + R"("})");
  }
}

TEST_F(ExecWasiTest, WhatIsNoCommandIsToldAtTheStart) {
  const auto made = world.input("wasm_path = \"filter.wasm\"\n");
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().describe().find("is no command"), std::string::npos);
}

}  // namespace
}  // namespace quern::plugins
