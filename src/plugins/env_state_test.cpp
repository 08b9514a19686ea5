// What a guest prints, as the log tells it.
#include "plugins/env_state.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <string>

namespace quern::plugins {
namespace {

std::size_t count(std::string_view in, std::string_view what) {
  std::size_t found = 0;
  for (auto at = in.find(what); at != std::string_view::npos; at = in.find(what, at + 1)) ++found;
  return found;
}

long peak_memory_kib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

TEST(EnvState, LinesAreToldPieceByPieceUpToAKibibyte) {
  EnvState state("test");
  testing::internal::CaptureStderr();
  state.write(as_bytes("one\ntw"));
  state.write(as_bytes("o"));
  state.write(as_bytes("\n" + std::string(1000, 'x')));
  state.write(as_bytes(std::string(5000, 'x') + "\nnever ended"));
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(count(log, "test says: "), 3U) << log;
  EXPECT_NE(log.find("test says: one\n"), std::string::npos) << log;
  EXPECT_NE(log.find("test says: two\n"), std::string::npos) << log;
  EXPECT_NE(log.find("test says: " + std::string(1024, 'x') + "\n"), std::string::npos) << log;
}

TEST(EnvState, LinesThatAreNotToldAreOnlyCounted) {
  const std::string lines(50'000'000, '\n');
  EnvState state("test");
  const long before = peak_memory_kib();
  testing::internal::CaptureStderr();
  state.write(as_bytes(lines));
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(count(log, "test says: "), 10U) << log;
  EXPECT_LT(peak_memory_kib() - before, 100 * 1024);
}

}  // namespace
}  // namespace quern::plugins
