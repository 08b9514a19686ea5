#include "pipeline/dead_letters.hpp"

#include "pipeline/fake_stages.hpp"

namespace quern::pipeline {
namespace {

class DeadLettersTest : public ::testing::Test {
 protected:
  Scratch scratch_;
  RealFiles files_;
  DeadLetters letters_{files_, scratch_.path() / "dead", 16_MiB};

  static logs::Batch large(int n) {
    return batch_of(
        "t", {"{\"n\":" + std::to_string(n) + ",\"x\":\"" + std::string(900'000, 'x') + "\"}"});
  }
};

TEST_F(DeadLettersTest, ComeBackOnceInOrder) {
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(letters_.put(batch_of("t", {"{\"n\":" + std::to_string(i) + "}"})).ok());
  std::string all;
  const auto take = [&](const logs::Batch& batch) -> Result<> {
    all += json(batch[0].record);
    return {};
  };
  EXPECT_EQ(*letters_.replay(take), 3U);
  EXPECT_EQ(all, R"({"n":0}{"n":1}{"n":2})");
  EXPECT_EQ(*letters_.replay(take), 0U);
}

TEST_F(DeadLettersTest, AreNotForgottenWhenNobodyTakesThem) {
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(letters_.put(batch_of("t", {"{\"n\":" + std::to_string(i) + "}"})).ok());
  int tries = 0;
  EXPECT_FALSE(letters_
                   .replay([&](const logs::Batch&) -> Result<> {
                     return ++tries == 2 ? fail(ErrorKind::unavailable, "not now") : Result<>();
                   })
                   .ok());
  // New ones come behind those that are left.
  EXPECT_TRUE(letters_.put(batch_of("t", {"{\"n\":9}"})).ok());
  EXPECT_EQ(*letters_.replay([](const logs::Batch&) -> Result<> { return {}; }), 2U);
  EXPECT_EQ(*letters_.replay([](const logs::Batch&) -> Result<> { return {}; }), 1U);
}

TEST_F(DeadLettersTest, OnesThatDieAgainDoNotGoRound) {
  EXPECT_TRUE(letters_.put(batch_of("t", {"{}"})).ok());
  EXPECT_EQ(*letters_.replay([&](logs::Batch batch) { return letters_.put(batch); }), 1U);
  EXPECT_EQ(*letters_.replay([&](logs::Batch batch) { return letters_.put(batch); }), 1U);
}

TEST_F(DeadLettersTest, TheOldestMakeRoomAndAreCounted) {
  for (int i = 0; i < 40; ++i) EXPECT_TRUE(letters_.put(large(i)).ok());
  EXPECT_LE(letters_.held().count, (16_MiB).count);
  EXPECT_GT(letters_.lost(), 20U);
  std::uint64_t kept = 0;
  EXPECT_TRUE(letters_
                  .replay([&](const logs::Batch& batch) -> Result<> {
                    kept += batch.size();
                    return {};
                  })
                  .ok());
  EXPECT_EQ(kept + letters_.lost(), 40U);
}

}  // namespace
}  // namespace quern::pipeline
