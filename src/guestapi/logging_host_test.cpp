#include "guestapi/fakes.hpp"
#include "guestapi/test_guest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quern::guestapi {
namespace {

using ::testing::HasSubstr;

// wasi:logging as components import it; the form of core modules is in nn_host_test.
class LoggingTest : public ::testing::Test {
 protected:
  Answer log(std::uint32_t level, std::string_view context, std::string_view message,
             const std::string& interface = "wasi:logging/logging") const {
    wasm::ValueWriter out;
    return guest.call(interface + "#log", out.discriminant(level).text(context).text(message));
  }

  std::unique_ptr<inference::Engine> engine = inference::make_fake_engine("gemma", {});
  LoadedModels models{*engine};
  GuestApi api{models};
  TestGuest guest{api, {}};
};

TEST_F(LoggingTest, EachLineGoesToTheGuestsOwnStreams) {
  EXPECT_EQ(log(2, "", "hello").printed, "out: [info] hello\n");
  EXPECT_EQ(log(0, "stdout", "a").printed, "out: [trace] a\n");
  EXPECT_EQ(log(5, "stderr", "b").printed, "err: [critical] b\n");
  EXPECT_EQ(log(3, "/etc/passwd", "c").printed, "err: [warn] /etc/passwd: c\n");
  EXPECT_EQ(log(1, "", "d", "wasi:logging/logging@0.1.0-draft").printed, "out: [debug] d\n");
}

TEST_F(LoggingTest, ALevelThatIsNoneTraps) {
  EXPECT_THAT(log(6, "", "x").trap, HasSubstr("no level has the number 6"));
  EXPECT_THAT(log(0xffffffff, "", "x").trap, HasSubstr("no level"));
}

}  // namespace
}  // namespace quern::guestapi
