#include "base/process.hpp"

#include "base/fakes.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>

namespace quern {
namespace {

TEST(Process, TellsAboutThisMachine) {
  const RealProcess process;
  EXPECT_EQ(process.executable().filename(), "base_test");
  EXPECT_GE(process.processors(), 1U);
  EXPECT_GT(process.memory(), 64_MiB);
  EXPECT_GT(process.pid(), 0);
}

TEST(Process, AnEmptyVariableIsNotSet) {
  const RealProcess process;
  ::setenv("QUERN_TEST_EMPTY", "", 1);
  ::setenv("QUERN_TEST_FULL", "x", 1);
  EXPECT_FALSE(process.env("QUERN_TEST_EMPTY").has_value());
  EXPECT_EQ(process.env("QUERN_TEST_FULL"), "x");
  EXPECT_FALSE(process.env("QUERN_TEST_ABSENT").has_value());
}

TEST(Process, MayOpenAsManyFilesAsTheHardLimitSays) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max / 2;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  allow_many_files();
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, limit.rlim_max);
}

TEST(Process, TheFakeSaysWhatItWasTold) {
  FakeProcess process;
  process.environment["HOME"] = "/home/ann";
  EXPECT_EQ(process.env("HOME"), "/home/ann");
  EXPECT_FALSE(process.env("USER").has_value());
}

}  // namespace
}  // namespace quern
