#include "cli/pipe_guests.hpp"

#include "cli/late_judge.hpp"
#include "cli/test_world.hpp"

#include <gtest/gtest.h>

namespace quern::cli {
namespace {

class PipeGuestsTest : public WithWorld {
 protected:
  PipeGuestsTest() { process_.environment["HOME"] = "/home/me"; }
  Result<> read(PipeGuests& guests, const std::string& script) {
    Settings file = Settings::parse("[model]\nfake = \"" + script + "\"\n", "pipe.toml").value();
    return guests.read(file, "/");
  }
};

TEST_F(PipeGuestsTest, AFailedLoadIsTriedAgainAlsoWithAnotherModel) {
  PipeGuests guests(world_);
  ASSERT_TRUE(read(guests, "absent").ok());
  EXPECT_FALSE(guests.need_models(Deadline::never(), {}).ok());
  ASSERT_TRUE(files_.write("/absent", as_bytes(R"([{"say":["hi"]}])")).ok());
  EXPECT_TRUE(guests.need_models(Deadline::never(), {}).ok()) << "it is there now";
  EXPECT_FALSE(read(guests, "other").ok()) << "models that are loaded stay";

  PipeGuests others(world_);
  ASSERT_TRUE(read(others, "none").ok());
  EXPECT_FALSE(others.need_models(Deadline::never(), {}).ok());
  ASSERT_TRUE(read(others, "absent").ok());
  EXPECT_TRUE(others.need_models(Deadline::never(), {}).ok());
}

TEST_F(PipeGuestsTest, AJudgeWhoseModelIsNotLoadedIsUnavailable) {
  PipeGuests guests(world_);
  ASSERT_TRUE(read(guests, "absent").ok());
  LateJudge judge("fake", guests);
  EXPECT_EQ(judge.answer({}, Deadline::never(), {}).error().kind(), ErrorKind::unavailable);
  ASSERT_TRUE(files_.write("/absent", as_bytes(R"([{"say":["hi"]}])")).ok());
  const auto said = judge.answer({.user = "well?"}, Deadline::never(), {});
  ASSERT_TRUE(said.ok()) << said.error().describe();
  EXPECT_EQ(said->text, "hi");
}

}  // namespace
}  // namespace quern::cli
