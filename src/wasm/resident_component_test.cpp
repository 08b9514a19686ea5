// Components that stay: what their functions get and give; the limits of a call. How the records of
// a log cross is tested where they are made, in src/plugins.
#include "wasm/test_support.hpp"

namespace quern::wasm {
namespace {

using namespace testing;

constexpr std::string_view kFilter = "quern:log/filter@0.1.0";

HostImports no_metrics() {
  const auto nothing = [](std::unique_ptr<HostCall> call) { call->resolve({}); };
  HostImports host;
  host.interfaces.push_back({.name = "quern:log/metrics@0.1.0",
                             .functions = {{"count", nothing}, {"gauge", nothing}},
                             .resources = {}});
  return host;
}

std::unique_ptr<ResidentComponent> reside(Limits limits = {}) {
  auto made = link_guest("log_filter", no_metrics())->reside_component({.limits = limits});
  EXPECT_TRUE(made.ok()) << made.error().describe();
  return *std::move(made);
}

Buffer events(const std::vector<std::string>& bodies) {
  ValueWriter arguments;
  arguments.text("tag").count(bodies.size());
  for (const std::string& body : bodies) arguments.u64(1).u32(2).text(body).present(false);
  return arguments.encoded();
}

Result<Buffer> process(ResidentComponent& component, const std::vector<std::string>& bodies) {
  return component.call(component.find(kFilter, "process").value(), events(bodies));
}

TEST(ResidentComponent, ItsFunctionsAreCalledAgainAndAgain) {
  const auto component = reside();
  for (const std::string_view seen : {"1", "2", "3"}) {
    const auto answer = process(*component, {R"({"do":"count"})"});
    ASSERT_TRUE(answer.ok()) << answer.error().describe();
    ValueReader reader(*answer);
    EXPECT_EQ(reader.count(), 1U);
    EXPECT_EQ(reader.discriminant(), 2U);
    EXPECT_EQ(reader.text(), R"({"seen":)" + std::string(seen) + "}");
  }
}

TEST(ResidentComponent, OneWhoseTypesTheBridgeDoesNotKnowIsCalled) {
  const auto component = reside();
  ValueWriter arguments;
  arguments.count(1).text("wrod").text("x");
  const auto answer =
      component->call(component->find(kFilter, "configure").value(), arguments.encoded());
  ASSERT_TRUE(answer.ok()) << answer.error().describe();
  ValueReader reader(*answer);
  EXPECT_FALSE(reader.present());
  EXPECT_EQ(reader.text(), "there is no option wrod");
}

TEST(ResidentComponent, AFunctionThatIsNotThereIsNamed) {
  const auto component = reside();
  const auto missing = component->find(kFilter, "sieve");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().kind(), ErrorKind::not_found);
  EXPECT_FALSE(component->find("quern:log/sieve@0.1.0", "process").ok());
}

void expect_end(std::string_view word, Limits limits, ErrorKind kind, std::string_view part) {
  const auto component = reside(limits);
  const auto answer = process(*component, {R"({"do":")" + std::string(word) + "\"}"});
  ASSERT_FALSE(answer.ok()) << word;
  EXPECT_EQ(to_string(answer.error().kind()), to_string(kind)) << answer.error().describe();
  EXPECT_NE(answer.error().message().find(part), std::string::npos) << answer.error().describe();
}

TEST(ResidentComponent, EachLimitEndsACallByName) {
  expect_end("loop", {.cpu = 50ms}, ErrorKind::deadline_exceeded, "more than 50 ms");
  expect_end("wait", {.wall = 100ms}, ErrorKind::deadline_exceeded, "wall clock");
  expect_end("trap", {}, ErrorKind::guest_trap, "unreachable");
  expect_end("exit", {}, ErrorKind::guest_trap, "ended itself with code");
  expect_end("hog", {.memory = 4_MiB}, ErrorKind::guest_trap, "memory");
}

TEST(ResidentComponent, AModuleIsNone) {
  const auto made = link_guest("healthy")->reside_component({});
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().kind(), ErrorKind::unsupported);
}

TEST(ResidentComponent, ItsPlaceIsFreeWhenItIsGone) {
  const auto engine = Engine::create({.worker_threads = 1, .max_instances = 4});
  ASSERT_TRUE(engine.ok());
  const auto linked = (*engine)->link(*(*engine)->load_file(guest("log_filter")), no_metrics());
  ASSERT_TRUE(linked.ok()) << linked.error().describe();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE((*linked)->reside_component({}).ok());
}

}  // namespace
}  // namespace quern::wasm
