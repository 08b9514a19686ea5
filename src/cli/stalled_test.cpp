#include "cli/stalled.hpp"

#include <gtest/gtest.h>

namespace quern::cli {
namespace {

using namespace std::chrono_literals;

TEST(Stalled, AModelThatGoesOnIsNoNews) {
  EXPECT_EQ(stalled_models({}), "");
  EXPECT_EQ(stalled_models({{"idle", {}}, {"slow", {.running = 2, .step = kStalled - 1ms}}}), "");
}

TEST(Stalled, TellsWhichModelMakesNoStepAndForHowLong) {
  const std::string body = stalled_models({{"well", {.step = 3ms}}, {"stuck", {.step = 75s}}});
  EXPECT_NE(body.find(R"("status":"stalled")"), std::string::npos) << body;
  EXPECT_NE(body.find(R"("models":[{"model":"stuck","step_ms":75000}])"), std::string::npos)
      << body;
  EXPECT_NE(body.find("by stuck;"), std::string::npos) << body;
}

TEST(Stalled, ANameThatIsNoTextCannotBreakTheAnswer) {
  const std::string body = stalled_models({{"a\"b\xff", {.step = 60s}}});
  EXPECT_NE(body.find(R"("model":"a\"b)"), std::string::npos) << body;
}

}  // namespace
}  // namespace quern::cli
