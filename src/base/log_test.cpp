#include "base/log.hpp"

#include <gtest/gtest.h>

#include <string>

namespace quern {
namespace {

class Log : public testing::Test {
 protected:
  ~Log() override { log::set_level(log::Level::info); }
  static std::string written(log::Level level, std::string_view text) {
    testing::internal::CaptureStderr();
    log::write(level, "base", text);
    return testing::internal::GetCapturedStderr();
  }
};

TEST_F(Log, WritesTimeLevelRoomAndText) {
  const std::string line = written(log::Level::warn, "disk is slow {}");
  EXPECT_NE(line.find("Z warn  base: disk is slow {}\n"), std::string::npos) << line;
}

TEST_F(Log, DropsWhatIsBelowTheLevel) {
  EXPECT_EQ(written(log::Level::debug, "details"), "");
  log::set_level(log::Level::debug);
  EXPECT_NE(written(log::Level::debug, "details"), "");
  log::set_level(log::Level::off);
  EXPECT_EQ(written(log::Level::error, "bad"), "");
}

TEST_F(Log, CannotBeForgedByWhatItIsGiven) {
  const std::string line = written(log::Level::info, "name\n2026 error base: fire\x1b[31m");
  EXPECT_NE(line.find("name\\x0a2026 error base: fire\\x1b[31m\n"), std::string::npos) << line;
}

TEST_F(Log, KnowsItsLevels) {
  EXPECT_EQ(*log::parse_level("warn"), log::Level::warn);
  EXPECT_EQ(log::parse_level("loud").error().kind(), ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace quern
