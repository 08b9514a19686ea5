// Instances that stay: what they are, how each of their limits ends a call, and nothing but it.
#include "wasm/test_support.hpp"

#include <array>
#include <cstring>

namespace quern::wasm {
namespace {

using namespace testing;
using Gives = Resident::Gives;

HostImports twice() {
  return {.interfaces = {},
          .functions = {{.module = "test",
                         .name = "twice",
                         .parameters = {RawType::i32},
                         .results = {RawType::i32},
                         .call = [](RawCall& call) -> Result<RawStatus> {
                           if (call.argument(0) == 13) {
                             return fail(ErrorKind::invalid_argument, "not thirteen");
                           }
                           call.result(0, 2 * call.argument(0));
                           return RawStatus::done;
                         },
                         .pace = RawPace::at_once}},
          .advice = {}};
}

std::unique_ptr<Resident> reside(std::string_view guest, Limits limits = {}) {
  auto made =
      link_guest(guest, guest == "resident" ? twice() : HostImports{})->reside({.limits = limits});
  EXPECT_TRUE(made.ok()) << made.error().describe();
  return *std::move(made);
}

Result<std::uint32_t> call(Resident& resident, std::string_view name,
                           std::vector<std::uint32_t> arguments, Gives gives = Gives::number) {
  const auto function = resident.find(name, static_cast<std::uint32_t>(arguments.size()), gives);
  if (!function.ok()) return fail(function.error());
  return resident.call(*function, arguments);
}

void expect_error(const Result<std::uint32_t>& result, ErrorKind kind, std::string_view part) {
  ASSERT_FALSE(result.ok()) << *result;
  EXPECT_EQ(to_string(result.error().kind()), to_string(kind)) << result.error().describe();
  EXPECT_NE(result.error().message().find(part), std::string::npos) << result.error().describe();
}

TEST(Resident, KeepsWhatItKnowsFromCallToCall) {
  const auto resident = reside("resident");
  EXPECT_EQ(*call(*resident, "count", {}), 101U);  // its constructors ran once
  EXPECT_EQ(*call(*resident, "count", {}), 102U);
  EXPECT_EQ(*call(*resident, "add", {40, 2}), 42U);
  EXPECT_EQ(*call(*resident, "ask", {21}), 42U);
}

TEST(Resident, ItsMemoryIsReadWrittenAndGrown) {
  const auto resident = reside("resident");
  const std::uint32_t value = 0xdecafbad;
  std::memcpy(resident->memory().data() + 8, &value, 4);
  EXPECT_EQ(*call(*resident, "peek", {8}), value);
  EXPECT_EQ(resident->memory().size(), kPage);
  EXPECT_EQ(*resident->grow(2), kPage);
  EXPECT_EQ(resident->memory().size(), 3 * kPage);
  ASSERT_TRUE(call(*resident, "poke", {2 * kPage, 5}, Gives::nothing).ok());
  EXPECT_EQ(std::to_integer<int>(resident->memory()[std::size_t{2} * kPage]), 5);
  EXPECT_EQ(*call(*resident, "grow", {1}), 3U);  // the guest's own growth is seen, too
  EXPECT_EQ(resident->memory().size(), 4 * kPage);
}

TEST(Resident, MemoryEndsAtItsLimit) {
  const auto resident = reside("resident", {.memory = 1_MiB});
  expect_error(resident->grow(16), ErrorKind::resource_exhausted, "memory");
  EXPECT_EQ(*call(*resident, "grow", {16}), 0xffffffffU);
  EXPECT_EQ(*call(*resident, "add", {1, 1}), 2U);
}

TEST(Resident, AFunctionThatIsNotThereNamesThoseOfItsType) {
  const auto resident = reside("resident");
  expect_error(call(*resident, "sum", {1, 2}), ErrorKind::not_found, "exports add");
  expect_error(call(*resident, "add", {1}), ErrorKind::invalid_argument, "another type");
  expect_error(call(*resident, "peek", {1}, Gives::nothing), ErrorKind::invalid_argument, "type");
}

TEST(Resident, EachLimitEndsACallByName) {
  expect_error(call(*reside("resident", {.cpu = 50ms}), "loop", {}, Gives::nothing),
               ErrorKind::deadline_exceeded, "more than 50 ms");
  expect_error(call(*reside("resident"), "trap", {}, Gives::nothing), ErrorKind::guest_trap,
               "unreachable");
  expect_error(call(*reside("resident"), "deep", {}, Gives::nothing), ErrorKind::guest_trap,
               "call stack exhausted");
  expect_error(call(*reside("resident"), "ask", {13}), ErrorKind::guest_trap, "not thirteen");
}

TEST(Resident, OfManyShortCallsNoneIsTakenForALongOne) {
  const auto resident = reside("resident", {.cpu = 20ms});
  const auto add = resident->find("add", 2, Gives::number);
  const auto until = std::chrono::steady_clock::now() + 200ms;
  const std::array<std::uint32_t, 2> arguments{1, 2};
  while (std::chrono::steady_clock::now() < until) {
    ASSERT_TRUE(resident->call(*add, arguments).ok());
  }
}

TEST(Resident, WithWasiItIsBegunAsALibrary) {
  const auto resident = reside("resident_wasi", {.wall = 10s, .cpu = 50ms});
  EXPECT_EQ(*call(*resident, "begun", {}), 7U);
  EXPECT_EQ(*call(*resident, "now", {}), 1U);
  EXPECT_EQ(*call(*resident, "sleep", {1}), 0U);
  expect_error(call(*resident, "loop", {}, Gives::nothing), ErrorKind::deadline_exceeded, "CPU");
}

TEST(Resident, AWaitOfACallEndsToo) {
  const auto resident = reside("resident_wasi", {.wall = 10s, .cpu = 50ms});
  expect_error(call(*resident, "sleep", {60'000}), ErrorKind::deadline_exceeded, "wall clock");
}

TEST(Resident, OneThatEndsItselfIsAnError) {
  expect_error(call(*reside("resident_wasi"), "leave", {}, Gives::nothing), ErrorKind::guest_trap,
               "ended itself with code 3");
}

TEST(Resident, ItsPlaceIsFreeWhenItIsGone) {
  const auto engine = Engine::create({.worker_threads = 1, .max_instances = 32});
  ASSERT_TRUE(engine.ok());
  const auto linked = (*engine)->link(*(*engine)->load_file(guest("resident")), twice());
  ASSERT_TRUE(linked.ok());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE((*linked)->reside({}).ok());
}

}  // namespace
}  // namespace quern::wasm
