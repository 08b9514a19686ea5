// Engines of processes that may reserve little address space. Each limit is tried in a process of
// its own, because nobody may raise it again.
#include "wasm/test_support.hpp"

#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>

namespace quern::wasm {
namespace {

using namespace testing;
using ::testing::ExitedWithCode;

#if defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

Result<int> run_in(Engine& engine, std::string_view name, Limits limits = {}) {
  const auto program = TRY(engine.load_file(guest(name)));
  const auto linked = TRY(engine.link(program, {}));
  return run(*linked, {.limits = limits});
}

Result<> use_engine(std::string_view description) {
  const auto engine = TRY(Engine::create({}));
  const std::string described = engine->describe();
  if (described.find(description) == std::string::npos) return fail(ErrorKind::internal, described);
  TRY(run_in(*engine, "healthy"));
  const auto hog = run_in(*engine, "memory_hog", {.memory = 64_MiB});
  if (hog.ok() || hog.error().message().find("refused memory") == std::string::npos) {
    return fail(ErrorKind::internal, "a hog got its memory, or ended by something else");
  }
  return {};
}

[[noreturn]] void use_engine_within(Bytes space, std::string_view description) {
  const rlimit limit{.rlim_cur = space.count, .rlim_max = space.count};
  if (::setrlimit(RLIMIT_AS, &limit) != 0) std::_Exit(2);
  const Result<> used = use_engine(description);
  if (!used.ok()) std::fprintf(stderr, "%s\n", used.error().describe().c_str());
  std::_Exit(used.ok() ? 0 : 1);
}

TEST(Room, AnEngineMakesDoWithTheAddressSpaceThatThereIs) {
  if constexpr (kSanitized) GTEST_SKIP() << "the sanitizer needs terabytes itself";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(use_engine_within(1200_GiB, "; 64 guests at once"), ExitedWithCode(0), "");
  EXPECT_EXIT(use_engine_within(8_GiB, "; slower"), ExitedWithCode(0), "");
}

TEST(Room, AnEngineHasAllItsPlacesWhereNothingIsScarce) {
  EXPECT_EQ(shared_engine().describe().find(';'), std::string::npos);
}

}  // namespace
}  // namespace quern::wasm
