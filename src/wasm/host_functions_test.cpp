// Host functions: every kind of value, resources, pollables, raw functions, and many that wait.
#include "wasm/test_support.hpp"

#include <dirent.h>

#include <bit>

namespace quern::wasm {
namespace {

using namespace testing;

Result<int> run_component(const std::shared_ptr<TestHost>& host, std::string command) {
  return run_guest("hostile", {.args = {"hostile", std::move(command)}}, host->imports());
}

int thread_count() {
  int count = 0;
  DIR* tasks = ::opendir("/proc/self/task");
  for (const dirent* entry = ::readdir(tasks); entry != nullptr; entry = ::readdir(tasks)) ++count;
  ::closedir(tasks);
  return count - 2;  // "." and ".."
}

TEST(HostFunctions, EveryKindOfValueCrossesBothWays) {
  const auto code = run_component(std::make_shared<TestHost>(), "echo");
  ASSERT_TRUE(code.ok()) << code.error().describe();
  EXPECT_EQ(*code, 0);
}

TEST(HostFunctions, ResourcesAreMadePassedOnAndDropped) {
  const auto host = std::make_shared<TestHost>();
  const auto code = run_component(host, "resources");
  ASSERT_TRUE(code.ok()) << code.error().describe();
  EXPECT_EQ(*code, 0);
  EXPECT_EQ(host->dropped(), 1);  // the absorbed one left the guest, the last died with it
}

TEST(HostFunctions, ArgumentsOfOtherTypesThanOursEndTheirGuestAlone) {
  const auto host = std::make_shared<TestHost>();
  for (const char* const guest : {"unfit_numbers", "unfit_text"}) {
    const auto code = run_guest(guest, {}, host->imports());
    ASSERT_FALSE(code.ok()) << guest;
    EXPECT_EQ(code.error().kind(), ErrorKind::guest_trap) << code.error().describe();
    EXPECT_NE(code.error().describe().find("measure"), std::string::npos);
  }
  EXPECT_EQ(*run_component(host, "echo"), 0) << "the host goes on";
}

TEST(HostFunctions, WhatAHostFunctionPrintsIsTheGuestsOwnOutput) {
  const auto host = std::make_shared<TestHost>();
  const auto out = std::make_shared<Collected>();
  const auto err = std::make_shared<Collected>();
  const auto code = run_guest("said_by_host", {.out = out, .err = err}, host->imports());
  ASSERT_TRUE(code.ok()) << code.error().describe();
  EXPECT_EQ(out->text(), "hello out\n");
  EXPECT_EQ(err->text(), "hello err\n");
  const auto flooded =
      run_guest("said_by_host", {.limits = {.output = Bytes{12}}}, host->imports());
  ASSERT_FALSE(flooded.ok());
  EXPECT_EQ(flooded.error().kind(), ErrorKind::resource_exhausted);
}

TEST(HostFunctions, ACallIsAnsweredLaterFromAnotherThread) {
  const auto host = std::make_shared<TestHost>();
  const auto linked = link_guest("hostile", host->imports());
  Later<int> later;
  const auto running = linked->run({.args = {"hostile", "wait"}}, later.setter());
  ASSERT_TRUE(eventually([&] { return host->waiting() == 1; }));
  EXPECT_EQ(host->answer_all(42), 1U);
  EXPECT_EQ(*later.get(), 0);
}

TEST(HostFunctions, TwoHundredGuestsWaitWithoutAThreadEach) {
  constexpr std::size_t kGuests = 200;
  const auto host = std::make_shared<TestHost>();
  const auto linked = link_guest("hostile", host->imports());
  ASSERT_TRUE(run_guest("healthy").ok());  // the workers are there
  const int before = thread_count();
  std::vector<Later<int>> ends(kGuests);
  std::vector<std::unique_ptr<Running>> runs;
  for (Later<int>& end : ends) {
    runs.push_back(linked->run({.args = {"hostile", "wait"}}, end.setter()));
  }
  ASSERT_TRUE(eventually([&] { return host->waiting() == kGuests; }, 60s));
  EXPECT_EQ(shared_engine().live_instances(), kGuests);
  EXPECT_EQ(thread_count(), before);
  EXPECT_EQ(host->answer_all(42), kGuests);
  for (Later<int>& end : ends) EXPECT_EQ(*end.get(), 0);
}

TEST(HostFunctions, AnAnswerAfterTheEndIsDropped) {
  const auto host = std::make_shared<TestHost>();
  const auto linked = link_guest("hostile", host->imports());
  Later<int> later;
  auto running = linked->run({.args = {"hostile", "wait"}}, later.setter());
  ASSERT_TRUE(eventually([&] { return host->waiting() == 1; }));
  running.reset();
  EXPECT_EQ(later.get().error().kind(), ErrorKind::cancelled);
  EXPECT_EQ(host->answer_all(42), 1U);
}

// Its end is heard once, while a call of its still waits.
TEST(HostFunctions, TheStateHearsOfTheEnd) {
  class State final : public InstanceState {
   public:
    explicit State(std::atomic<int>& ends) : ends_(ends) {}
    void ended() override { ++ends_; }

   private:
    std::atomic<int>& ends_;
  };
  std::atomic<int> ends = 0;
  const auto host = std::make_shared<TestHost>();
  const auto linked = link_guest("hostile", host->imports());
  Later<int> later;
  auto running = linked->run({.args = {"hostile", "wait"}, .state = std::make_shared<State>(ends)},
                             later.setter());
  ASSERT_TRUE(eventually([&] { return host->waiting() == 1; }));
  EXPECT_EQ(ends, 0);
  running.reset();
  EXPECT_TRUE(eventually([&] { return ends == 1; }));
  host->answer_all(0);
  EXPECT_EQ(ends, 1);
}

TEST(HostFunctions, ACallThatIsDroppedTrapsItsGuest) {
  const auto host = std::make_shared<TestHost>();
  HostImports imports = host->imports();
  for (auto& [name, function] : imports.interfaces.front().functions) {
    if (name == "wait-answer") function = [](std::unique_ptr<HostCall>) {};
  }
  const auto code = run_guest("hostile", {.args = {"hostile", "wait"}}, imports);
  ASSERT_FALSE(code.ok());
  EXPECT_EQ(code.error().kind(), ErrorKind::guest_trap);
  EXPECT_NE(code.error().message().find("wait-answer"), std::string::npos);
}

TEST(HostFunctions, AnAnswerOfTheWrongTypeIsOurFault) {
  const auto host = std::make_shared<TestHost>();
  HostImports imports = host->imports();
  for (auto& [name, function] : imports.interfaces.front().functions) {
    if (name == "wait-answer") {
      function = [](const std::unique_ptr<HostCall>& call) { call->resolve(ValueWriter().u8(1)); };
    }
  }
  const auto code = run_guest("hostile", {.args = {"hostile", "wait"}}, imports);
  ASSERT_FALSE(code.ok());
  EXPECT_EQ(code.error().kind(), ErrorKind::internal);
}

// A raw function that is pending until its waker is called, and then sees the memory again.
TEST(HostFunctions, ARawFunctionMayWait) {
  std::mutex mutex;
  std::function<void()> wake;
  std::atomic<bool> ready = false;
  HostImports host;
  host.functions = {{.module = "test",
                     .name = "later",
                     .parameters = {RawType::i32},
                     .results = {RawType::i32},
                     .call = [&](RawCall& call) -> Result<RawStatus> {
                       if (!ready) {
                         const std::lock_guard lock(mutex);
                         wake = call.waker();
                         return RawStatus::pending;
                       }
                       TRY(call.memory().write_u32(64, 0x01020304));
                       call.result(0, call.argument(0) * 2);
                       return RawStatus::done;
                     }},
                    {.module = "test",
                     .name = "sum",
                     .parameters = {RawType::i32, RawType::i64, RawType::f32, RawType::f64},
                     .results = {RawType::f64},
                     .call = [](RawCall&) -> Result<RawStatus> { return RawStatus::done; }}};
  const auto linked = link_guest("raw", host);
  Later<Invoked> later;
  const auto running = linked->invoke({}, "ask_and_peek", {"64"}, later.setter());
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return wake != nullptr;
  }));
  ready = true;
  wake();
  EXPECT_EQ(later.get()->results, std::to_string(0x01020304));
  wake();  // after the instance is gone: nothing happens
}

TEST(HostFunctions, MemoryIsReachedThroughBoundsChecksAlone) {
  std::array<std::byte, 16> bytes{};
  const GuestMemory memory(bytes);
  EXPECT_TRUE(memory.span(0, 16).ok());
  EXPECT_TRUE(memory.span(16, 0).ok());
  EXPECT_EQ(memory.span(1, 16).error().kind(), ErrorKind::guest_trap);
  EXPECT_EQ(memory.span(0xFFFF'FFFFU, 2).error().kind(), ErrorKind::guest_trap);
  EXPECT_TRUE(memory.write_u32(11, 0xAABBCCDD).ok());
  EXPECT_EQ(*memory.read_u32(11), 0xAABBCCDDU);
  EXPECT_EQ(std::to_integer<int>(bytes[11]), 0xDD);
  EXPECT_FALSE(memory.write_u32(13, 0).ok());
  EXPECT_EQ(memory.size().count, 16U);
}

}  // namespace
}  // namespace quern::wasm
