#include "cli/models.hpp"

#include "cli/test_world.hpp"

namespace quern::cli {
namespace {

TEST(EngineOptions, ZeroLeavesTheEnginesDefault) {
  const inference::EngineOptions defaults;
  const inference::EngineOptions none = engine_options({});
  EXPECT_EQ(none.max_running, defaults.max_running);
  EXPECT_EQ(none.cache_tokens, defaults.cache_tokens);
  EXPECT_EQ(none.cache_memory, defaults.cache_memory);
  const inference::EngineOptions some = engine_options({.context_tokens = 100,
                                                        .threads = 2,
                                                        .max_running = 3,
                                                        .cache_tokens = 0,
                                                        .cache_memory = 64_MiB});
  EXPECT_EQ(some.context_tokens, 100U);
  EXPECT_EQ(some.threads, 2U);
  EXPECT_EQ(some.max_running, 3U);
  EXPECT_EQ(some.cache_memory, 64_MiB);
  EXPECT_EQ(some.cache_tokens, 0U) << "0 switches the cache off";
}

class Loading : public WithWorld {
 protected:
  Home home_;
};

TEST_F(Loading, OpenWaitsForTheModels) {
  ASSERT_TRUE(files_.write("/script", as_bytes(R"([{"say":["hi"]}])")).ok());
  Models models;
  EXPECT_EQ(models.loaded("fake"), nullptr);
  models.start({.fake_model = "/script"}, home_, world_);
  const auto model = models.open("fake");
  ASSERT_TRUE(model.ok()) << model.error().describe();
  EXPECT_EQ(models.names(), std::vector<std::string>{"fake"});
  EXPECT_EQ(models.open("other").error().kind(), ErrorKind::not_found);
  EXPECT_EQ(models.available().size(), 1U);
}

TEST_F(Loading, AFailureReachesEverybodyWhoWaits) {
  Models models;
  models.start({.fake_model = "/absent"}, home_, world_);
  EXPECT_EQ(models.open("fake").error().kind(), ErrorKind::not_found);
  EXPECT_EQ(models.wait({}).error().kind(), ErrorKind::not_found);
}

}  // namespace
}  // namespace quern::cli
