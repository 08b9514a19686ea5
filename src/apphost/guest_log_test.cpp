#include "apphost/guest_log.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace quern::apphost {
namespace {

// What the log got while `say` ran.
template <class Say>
std::string logged(Say say) {
  testing::internal::CaptureStderr();
  say();
  return testing::internal::GetCapturedStderr();
}

TEST(GuestLog, TellsWholeLinesAndWhatIsLeft) {
  const std::string log = logged([] {
    GuestLog guest(7);
    guest.write(as_bytes("Trace"));
    guest.write(as_bytes("back\n  at"));
  });
  EXPECT_NE(log.find("[req 7] guest: Traceback\n"), std::string::npos) << log;
  EXPECT_NE(log.find("[req 7] guest:   at\n"), std::string::npos) << log;
}

TEST(GuestLog, CutsLinesAndBoundsAnInstance) {
  const std::string log = logged([] {
    GuestLog guest(8);
    const std::string line(10'000, 'x');
    for (int i = 0; i < 1000; ++i) guest.write(as_bytes(line + "\n"));
  });
  EXPECT_LT(log.size(), 2 * GuestLog::kMaxOutput);
  EXPECT_NE(log.find("(and more, which is dropped)"), std::string::npos);
  EXPECT_EQ(log.find("dropped"), log.rfind("dropped")) << "said once";
}

TEST(GuestLog, ControlCharactersDoNotForgeLines) {
  const std::string log = logged([] {
    GuestLog guest(9);
    guest.write(as_bytes("a\r2026 error http: forged\n"));
  });
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 1);
  EXPECT_EQ(log.find('\r'), std::string::npos);
}

}  // namespace
}  // namespace quern::apphost
