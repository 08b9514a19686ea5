// What the host's own functions answer is recorded, and replayed without the host; and a file that
// was damaged anywhere is refused.
#include "base/files.hpp"
#include "wasm/test_support.hpp"

#include <array>
#include <fstream>
#include <random>

namespace quern::wasm {
namespace {

using namespace testing;
using Verdict = Replayed::Verdict;

class RecordingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("quern-recording-" + std::to_string(std::random_device()()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path file() const { return folder_ / "test.rec"; }
  Recording recording() const { return {.file = file(), .program = "test", .limit = 1_GiB}; }

  // Of a guest of guests/hostile; `out` gets what is printed.
  Result<Replayed> replay(std::string_view name, std::shared_ptr<OutputSink> out = nullptr) {
    auto program = shared_engine().load_file(guest(name));
    EXPECT_TRUE(program.ok());
    Later<Replayed> later;
    const auto running =
        shared_engine().replay(*program, file(), {.out = std::move(out)}, later.setter());
    return later.get();
  }

  void expect_same(const Result<Replayed>& replayed) {
    ASSERT_TRUE(replayed.ok()) << replayed.error().describe();
    EXPECT_EQ(replayed->verdict, Verdict::same) << replayed->why;
  }

  Buffer bytes() const { return *RealFiles().read(file(), 1_MiB); }
  void put(ByteView bytes) const {
    std::ofstream out(file(), std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
  }

 private:
  std::filesystem::path folder_;
};

TEST_F(RecordingTest, FunctionsOfTheHostAreReplayedWithoutIt) {
  for (const char* command : {"echo", "resources"}) {
    const auto host = std::make_shared<TestHost>();
    const auto code = run_guest("hostile", {.args = {"hostile", command}, .record = recording()},
                                host->imports());
    ASSERT_TRUE(code.ok()) << code.error().describe();
    ASSERT_EQ(*code, 0) << command;
    const auto replayed = replay("hostile");
    expect_same(replayed);
    EXPECT_EQ(replayed->end->exit_code, 0);
    EXPECT_GT(replayed->calls, 0U);
  }
}

TEST_F(RecordingTest, WhatTheHostPrintsForAGuestIsPrintedAgain) {
  const auto host = std::make_shared<TestHost>();
  const auto recorded = std::make_shared<Collected>();
  const auto again = std::make_shared<Collected>();
  ASSERT_TRUE(
      run_guest("said_by_host", {.out = recorded, .record = recording()}, host->imports()).ok());
  expect_same(replay("said_by_host", again));
  EXPECT_EQ(again->text(), recorded->text());
  EXPECT_EQ(again->text(), "hello out\n");
}

TEST_F(RecordingTest, WhatWasPrintedBeforeACallThatTrapsIsPrintedAgain) {
  const auto host = std::make_shared<TestHost>();
  const auto recorded = std::make_shared<Collected>();
  const auto again = std::make_shared<Collected>();
  const auto code = run_guest(
      "said_by_host", {.out = recorded, .limits = {.output = Bytes{12}}, .record = recording()},
      host->imports());
  ASSERT_FALSE(code.ok()) << "the second text is beyond the limit";
  expect_same(replay("said_by_host", again));
  EXPECT_EQ(recorded->text(), "hello out\n");
  EXPECT_EQ(again->text(), recorded->text());
}

TEST_F(RecordingTest, AGuestThatWasWithdrawnWhileItComputedEndsSoAgain) {
  const auto linked = link_guest("endless_loop");
  Later<int> later;
  const auto running = linked->run({.record = recording()}, later.setter());
  while (!std::filesystem::exists(file())) std::this_thread::sleep_for(1ms);
  running->cancel(Error(ErrorKind::cancelled, "ended by a test"));
  ASSERT_FALSE(later.get().ok());
  const auto replayed = replay("endless_loop");
  expect_same(replayed);
  ASSERT_FALSE(replayed->end.ok());
  EXPECT_EQ(replayed->end.error().describe(), "ended by a test");
}

TEST_F(RecordingTest, WhatComesAfterTheLimitIsSaidToBeNothing) {
  Recording little = recording();
  little.limit = Bytes{1};
  const auto engine = Engine::create({.worker_threads = 1, .max_instances = 4}).value();
  const auto program = engine->load_file(guest("exit_code")).value();
  const auto linked = engine->link(program, {}).value();
  ASSERT_TRUE(run(*linked, {.record = little}).ok());
  ASSERT_TRUE(describe_recording(file()).ok()) << "it says of what it is";
  Later<Replayed> later;
  const auto running = engine->replay(program, file(), {}, later.setter());
  const auto replayed = later.get();
  ASSERT_TRUE(replayed.ok()) << replayed.error().describe();
  EXPECT_EQ(replayed->verdict, Verdict::broken_off);
  EXPECT_EQ(replayed->why, "the recording ends: --record-limit, 1 bytes, is reached");
  std::filesystem::remove(file());
  ASSERT_TRUE(run(*linked, {.record = little}).ok());
  EXPECT_FALSE(std::filesystem::exists(file())) << "a file for nothing";
}

// Names of threads of this process.
std::size_t threads_called(std::string_view name) {
  std::size_t count = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(task.path() / "comm");
    std::string called;
    std::getline(file, called);
    if (called == name) ++count;
  }
  return count;
}

// A thread names itself, and the system forgets it a moment after its end.
bool come_to_be(std::size_t count, std::string_view name) {
  const auto end = std::chrono::steady_clock::now() + 30s;
  while (threads_called(name) != count && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(1ms);
  }
  return threads_called(name) == count;
}

TEST_F(RecordingTest, TheEnginesThreadIsGoneWithTheEngine) {
  const std::size_t others = threads_called("quern-record");
  {
    const auto engine = Engine::create({.worker_threads = 1, .max_instances = 4}).value();
    const auto program = engine->load_file(guest("exit_code")).value();
    ASSERT_TRUE(run(*engine->link(program, {}).value(), {.record = recording()}).ok());
    EXPECT_TRUE(come_to_be(others + 1, "quern-record"));
  }
  EXPECT_TRUE(come_to_be(others, "quern-record"));
}

// test.later(p) writes 0x01020304 at 64; test.sum adds.
HostImports raw_host() {
  return {.interfaces = {},
          .functions = {{.module = "test",
                         .name = "later",
                         .parameters = {RawType::i32},
                         .results = {RawType::i32},
                         .call = [](RawCall& call) -> Result<RawStatus> {
                           TRY(call.memory().write_u32(64, 0x01020304));
                           call.result(0, 7);
                           return RawStatus::done;
                         }},
                        {.module = "test",
                         .name = "sum",
                         .parameters = {RawType::i32, RawType::i64, RawType::f32, RawType::f64},
                         .results = {RawType::f64},
                         .call = [](RawCall&) -> Result<RawStatus> { return RawStatus::done; }}},
          .advice = {}};
}

TEST_F(RecordingTest, MemoryThatARawFunctionWroteIsThereAgain) {
  const auto linked = link_guest("raw", raw_host());
  Later<Invoked> later;
  const auto running =
      linked->invoke({.record = recording()}, "ask_and_peek", {"64"}, later.setter());
  EXPECT_EQ(later.get()->results, std::to_string(0x01020304));
  const auto replayed = replay("raw");
  expect_same(replayed);
  EXPECT_EQ(replayed->end->results, std::to_string(0x01020304));
  const auto facts = describe_recording(file());
  ASSERT_TRUE(facts.ok());
  EXPECT_EQ(facts->what, RecordingFacts::What::invocation);
  EXPECT_EQ(facts->words, (std::vector<std::string>{"ask_and_peek", "64"}));
}

TEST_F(RecordingTest, AnotherProgramDivergesAtItsFirstCall) {
  ASSERT_TRUE(run_guest("exit_code", {.record = recording()}).ok());
  const auto replayed = replay("sleeper");
  ASSERT_TRUE(replayed.ok()) << replayed.error().describe();
  EXPECT_EQ(replayed->verdict, Verdict::diverged);
  EXPECT_NE(replayed->why.find("call 1: wasi_snapshot_preview1.poll_oneoff is called"),
            std::string::npos)
      << replayed->why;
}

TEST_F(RecordingTest, MemoryThatIsAtItsLimitIsSoAgain) {
  ASSERT_TRUE(run_guest("exit_code", {.record = recording()}).ok());
  const auto recorded =
      run_guest("memory_hog", {.limits = {.memory = 4_MiB, .cpu = 5s}, .record = recording()});
  const auto replayed = replay("memory_hog");
  expect_same(replayed);
  EXPECT_EQ(replayed->end.ok(), recorded.ok());
}

TEST_F(RecordingTest, AFileThatIsCutOffAnywhereBreaksOffOrIsRefused) {
  const auto host = std::make_shared<TestHost>();
  ASSERT_TRUE(
      run_guest("hostile", {.args = {"hostile", "echo"}, .record = recording()}, host->imports())
          .ok());
  const Buffer whole = bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    put(ByteView(whole).first(size));
    const auto facts = describe_recording(file());
    EXPECT_TRUE(facts.ok() || facts.error().kind() == ErrorKind::corrupt_data) << size;
    if (size % 61 != 0) continue;
    const auto replayed = replay("hostile");
    if (!replayed.ok()) {
      EXPECT_EQ(replayed.error().kind(), ErrorKind::corrupt_data) << size;
    } else {
      EXPECT_EQ(replayed->verdict, Verdict::broken_off) << size;
    }
  }
}

TEST_F(RecordingTest, AnAnswerThatCouldNotBeReplayedEndsTheRecording) {
  const auto host = std::make_shared<TestHost>();
  HostImports imports = host->imports();
  for (auto& [name, function] : imports.interfaces.at(0).functions) {
    if (name != "echo") continue;
    function = [](std::unique_ptr<HostCall> call) {
      call->resolve(ValueWriter().present(false).text(std::string(65U << 20U, 'x')));
    };
  }
  const auto code =
      run_guest("hostile", {.args = {"hostile", "echo"}, .record = recording()}, imports);
  ASSERT_TRUE(code.ok()) << code.error().describe();
  EXPECT_LT(std::filesystem::file_size(file()), (1_MiB).count);
  const auto replayed = replay("hostile");
  ASSERT_TRUE(replayed.ok()) << replayed.error().describe();
  EXPECT_EQ(replayed->verdict, Verdict::broken_off);
  EXPECT_NE(replayed->why.find("can be replayed"), std::string::npos) << replayed->why;
}

TEST_F(RecordingTest, AByteThatChangedAnywhereIsNoticed) {
  ASSERT_TRUE(run_guest("exit_code", {.record = recording()}).ok());
  const Buffer whole = bytes();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const unsigned bit : {1U, 16U, 128U}) {
      Buffer changed = whole;
      changed[at] ^= std::byte{static_cast<unsigned char>(bit)};
      put(changed);
      const auto facts = describe_recording(file());
      if (facts.ok()) {
        // A length that grew: to its reader the recorder was killed there.
        const auto replayed = replay("exit_code");
        ASSERT_TRUE(!replayed.ok() || replayed->verdict == Verdict::broken_off) << at;
      }
    }
  }
}

}  // namespace
}  // namespace quern::wasm
