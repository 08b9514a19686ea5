// A hostile guest per limit. Each ends in a named error, and a healthy one is served beside it.
#include "wasm/test_support.hpp"

namespace quern::wasm {
namespace {

using namespace testing;
using ::testing::Test;

class LimitsTest : public Test {
 protected:
  // After each hostile guest: a healthy one runs, and nothing is left of the other.
  void TearDown() override {
    const auto healthy = run_guest("healthy");
    ASSERT_TRUE(healthy.ok()) << healthy.error().describe();
    EXPECT_EQ(*healthy, 0);
    EXPECT_TRUE(eventually([] { return shared_engine().live_instances() == 0; }));
  }

  static void expect_error(const Result<int>& result, ErrorKind kind, std::string_view part) {
    ASSERT_FALSE(result.ok()) << "exit code " << *result;
    EXPECT_EQ(to_string(result.error().kind()), to_string(kind)) << result.error().describe();
    EXPECT_NE(result.error().message().find(part), std::string::npos) << result.error().describe();
  }
  static HostImports take_text() {
    return {.interfaces = {},
            .functions = {{.module = "test",
                           .name = "take_text",
                           .parameters = {RawType::i32, RawType::i32},
                           .results = {},
                           .call = [](RawCall& call) -> Result<RawStatus> {
                             TRY(call.memory().text(static_cast<std::uint32_t>(call.argument(0)),
                                                    static_cast<std::uint32_t>(call.argument(1))));
                             return RawStatus::done;
                           }}},
            .advice = {}};
  }
  static Result<int> run_component(std::string command, Limits limits = {}) {
    const auto host = std::make_shared<TestHost>();
    return run_guest("hostile", {.args = {"hostile", std::move(command)}, .limits = limits},
                     host->imports());
  }
};

TEST_F(LimitsTest, CpuEndsAnEndlessLoop) {
  expect_error(run_guest("endless_loop", {.limits = {.cpu = 100ms}}), ErrorKind::deadline_exceeded,
               "CPU time");
}

TEST_F(LimitsTest, CpuIsNotChargedForSleeping) {
  const auto result = run_guest("sleeper", {.limits = {.wall = 300ms, .cpu = 50ms}});
  expect_error(result, ErrorKind::deadline_exceeded, "wall clock");
}

TEST_F(LimitsTest, EndlessLoopsShareTheWorkersWithTheHealthy) {
  const auto loop = link_guest("endless_loop");
  std::vector<std::unique_ptr<Running>> loops;
  std::vector<Later<int>> ends(6);  // three for each worker
  for (Later<int>& end : ends) {
    loops.push_back(loop->run({.limits = {.cpu = 400ms}}, end.setter()));
  }
  const auto healthy = run_guest("healthy");
  EXPECT_TRUE(healthy.ok());
  for (Later<int>& end : ends) {
    expect_error(end.get(), ErrorKind::deadline_exceeded, "CPU time");
  }
}

TEST_F(LimitsTest, WallClockEndsASleeper) {
  expect_error(run_guest("sleeper", {.limits = {.wall = 100ms}}), ErrorKind::deadline_exceeded,
               "wall clock");
}

TEST_F(LimitsTest, MemoryIsRefusedToAHog) {
  expect_error(run_guest("memory_hog", {.limits = {.memory = 8_MiB}}), ErrorKind::guest_trap,
               "refused memory");
}

TEST_F(LimitsTest, MemoryIsRefusedBeforeTheStart) {
  expect_error(run_guest("memory_start", {.limits = {.memory = 8_MiB}}),
               ErrorKind::resource_exhausted, "memory");
}

TEST_F(LimitsTest, TableIsRefusedToAHog) {
  expect_error(run_guest("table_hog", {.limits = {.table_elements = 5000}}), ErrorKind::guest_trap,
               "refused table");
}

TEST_F(LimitsTest, TableIsRefusedBeforeTheStart) {
  expect_error(run_guest("table_start", {.limits = {.table_elements = 5000}}),
               ErrorKind::resource_exhausted, "table");
}

TEST_F(LimitsTest, StackEndsADeepRecursion) {
  expect_error(run_guest("deep_recursion"), ErrorKind::guest_trap, "call stack exhausted");
}

TEST_F(LimitsTest, ATrapNamesItsFrames) {
  const auto result = run_guest("trap_in_start");
  expect_error(result, ErrorKind::guest_trap, "unreachable");
  EXPECT_NE(result.error().message().find("initialise"), std::string::npos)
      << result.error().message();
}

TEST_F(LimitsTest, APointerPastTheEndIsATrap) {
  expect_error(run_guest("pointer_past_end", {}, take_text()), ErrorKind::guest_trap,
               "100 bytes at 65530 of 65536");
  expect_error(run_guest("pointer_wraps", {}, take_text()), ErrorKind::guest_trap,
               "4294967288 bytes at 16 of 65536");
  expect_error(run_guest("no_memory", {}, take_text()), ErrorKind::guest_trap, "1 bytes at 0 of 0");
}

TEST_F(LimitsTest, OutputEndsAFlood) {
  const auto out = std::make_shared<Collected>();
  expect_error(run_guest("output_flood", {.out = out, .limits = {.output = 1_MiB}}),
               ErrorKind::resource_exhausted, "output");
  EXPECT_EQ(out->text().size(), 1U << 20U);
}

TEST_F(LimitsTest, HandlesEndAHogOfFiles) {
  const Directory directory{.host = "/tmp", .guest = "/"};
  expect_error(run_guest("handle_hog", {.directories = {directory}, .limits = {.handles = 100}}),
               ErrorKind::resource_exhausted, "handles: the guest holds its limit of 100");
}

TEST_F(LimitsTest, HandlesEndAHogOfHostResources) {
  expect_error(run_component("handle_hog", {.handles = 100}), ErrorKind::resource_exhausted,
               "handles: the guest holds its limit of 100");
}

TEST_F(LimitsTest, AForgedHandleIsATrap) {
  expect_error(run_component("forged_handle"), ErrorKind::guest_trap, "handle");
}

TEST_F(LimitsTest, AnOverlongTextIsATrap) {
  expect_error(run_component("overlong_text"), ErrorKind::guest_trap, "");
  const auto long_text = run_component("long_text");
  ASSERT_TRUE(long_text.ok()) << long_text.error().describe();  // long is not overlong
  EXPECT_EQ(*long_text, 0);
}

TEST_F(LimitsTest, CancellingEndsARunWithItsReason) {
  const auto sleeper = link_guest("sleeper");
  Later<int> later;
  const auto running = sleeper->run({}, later.setter());
  running->cancel(Error(ErrorKind::cancelled, "the client went away"));
  expect_error(later.get(), ErrorKind::cancelled, "the client went away");
}

TEST_F(LimitsTest, DroppingTheHandleEndsARun) {
  const auto loop = link_guest("endless_loop");
  Later<int> later;
  loop->run({}, later.setter()).reset();
  expect_error(later.get(), ErrorKind::cancelled, "");
}

TEST_F(LimitsTest, MoreInstancesThanPlacesWait) {
  const auto engine =
      Engine::create({.worker_threads = 1, .max_instances = 2, .place_wait = 30s}).value();
  const auto program = engine->load_file(guest("sleeper")).value();
  const auto sleeper = engine->link(program, {}).value();
  std::vector<Later<int>> ends(3);
  std::vector<std::unique_ptr<Running>> runs;
  for (Later<int>& end : ends) runs.push_back(sleeper->run({}, end.setter()));
  EXPECT_TRUE(eventually([&] { return engine->live_instances() == 2; }));
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(engine->live_instances(), 2U);  // the third waits for a place
  runs.clear();
  for (Later<int>& end : ends) expect_error(end.get(), ErrorKind::cancelled, "");
}

TEST_F(LimitsTest, WhoeverGetsNoPlaceHearsIt) {
  const auto engine =
      Engine::create({.worker_threads = 1, .max_instances = 1, .place_wait = 100ms}).value();
  const auto sleeper = engine->link(engine->load_file(guest("sleeper")).value(), {}).value();
  Later<int> first;
  const auto running = sleeper->run({}, first.setter());
  ASSERT_TRUE(eventually([&] { return engine->live_instances() == 1; }));
  expect_error(run(*sleeper), ErrorKind::unavailable, "no place");
  EXPECT_EQ(engine->live_instances(), 1U);
}

TEST_F(LimitsTest, AnEngineThatGoesAwayEndsItsRuns) {
  Later<int> later;
  std::unique_ptr<Running> running;
  {
    const auto engine = Engine::create({.worker_threads = 1, .max_instances = 2}).value();
    const auto sleeper = engine->link(engine->load_file(guest("sleeper")).value(), {}).value();
    running = sleeper->run({}, later.setter());
  }
  expect_error(later.get(), ErrorKind::cancelled, "shut down");
}

}  // namespace
}  // namespace quern::wasm
