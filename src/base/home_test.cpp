#include "base/home.hpp"

#include "base/fakes.hpp"

#include <gtest/gtest.h>

namespace quern {
namespace {

TEST(Home, FollowsXdg) {
  FakeProcess process;
  process.environment["HOME"] = "/home/ann";
  EXPECT_EQ(find_home(process)->models, "/home/ann/.local/share/quern/models");
  EXPECT_EQ(find_home(process)->code, "/home/ann/.cache/quern/code");
  process.environment["XDG_DATA_HOME"] = "/data";
  process.environment["XDG_CACHE_HOME"] = "relative";
  EXPECT_EQ(find_home(process)->data, "/data/quern");
  EXPECT_EQ(find_home(process)->code, "/home/ann/.cache/quern/code")
      << "a relative path is ignored";
}

TEST(Home, QuernHomeHoldsEverything) {
  FakeProcess process;
  process.environment["QUERN_HOME"] = "/srv/quern";
  process.environment["QUERN_MODELS"] = "/a::/b";
  const auto home = find_home(process);
  ASSERT_TRUE(home.ok());
  EXPECT_EQ(home->models, "/srv/quern/models");
  EXPECT_EQ(home->code, "/srv/quern/code");
  EXPECT_EQ(home->more_models, (std::vector<std::filesystem::path>{"/a", "/b"}));
}

TEST(Home, SaysWhenThereIsNoPlace) {
  const auto home = find_home(FakeProcess());
  ASSERT_FALSE(home.ok());
  EXPECT_NE(home.error().describe().find("QUERN_HOME"), std::string::npos);
}

}  // namespace
}  // namespace quern
