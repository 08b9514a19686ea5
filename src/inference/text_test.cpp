// utf8 and stop_strings: the two filters between tokens and events.
#include "inference/stop_strings.hpp"
#include "inference/utf8.hpp"

#include <gtest/gtest.h>

namespace quern::inference {
namespace {

std::string byte_by_byte(std::string_view text) {
  Utf8Gate gate;
  std::string out;
  for (const char c : text) out += gate.pass(std::string_view(&c, 1));
  return out + gate.flush();
}

TEST(Utf8Gate, HoldsBackAnUnfinishedCharacter) {
  Utf8Gate gate;
  EXPECT_EQ(gate.pass("a\xF0\x9F"), "a");
  EXPECT_EQ(gate.pass("\xA6"), "");
  EXPECT_EQ(gate.pass("\x80z"), "\xF0\x9F\xA6\x80z");
  EXPECT_EQ(gate.flush(), "");
}

TEST(Utf8Gate, PassesEveryGoodTextUnchanged) {
  const std::string text = "plain \xC3\xA9 \xE2\x82\xAC \xED\x9F\xBF \xEE\x80\x80 \xF4\x8F\xBF\xBF";
  EXPECT_EQ(byte_by_byte(text), text);
  EXPECT_EQ(Utf8Gate().pass(text), text);
}

TEST(Utf8Gate, ReplacesWhatIsNoCharacter) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(byte_by_byte("a\xFFz"), "a" + r + "z");
  EXPECT_EQ(byte_by_byte("\xC0\xAF"), r + r);          // overlong
  EXPECT_EQ(byte_by_byte("\xED\xA0\x80"), r + r + r);  // a surrogate
  EXPECT_EQ(byte_by_byte("\xF5\x80"), r + r);          // above U+10FFFF
  EXPECT_EQ(byte_by_byte("\xE2\x82"
                         "A"),
            r + "A");                      // broken off
  EXPECT_EQ(byte_by_byte("\xE2\x82"), r);  // at the end
}

TEST(StopStrings, EndsBeforeAStringThatSpansPieces) {
  StopStrings stops({"STOP"});
  EXPECT_EQ(stops.pass("go S"), "go ");
  EXPECT_EQ(stops.pass("TO"), "");
  EXPECT_FALSE(stops.stopped());
  EXPECT_EQ(stops.pass("P and more"), "");
  EXPECT_TRUE(stops.stopped());
  EXPECT_EQ(stops.pass("x"), "");
  EXPECT_EQ(stops.flush(), "");
}

TEST(StopStrings, GivesBackWhatWasOnlyAlike) {
  StopStrings stops({"STOP"});
  EXPECT_EQ(stops.pass("ST"), "");
  EXPECT_EQ(stops.pass("AR"), "STAR");
  EXPECT_EQ(stops.pass("S"), "");
  EXPECT_EQ(stops.flush(), "S");
}

TEST(StopStrings, TheFirstInTheTextCounts) {
  StopStrings stops({"xyz", "b"});
  EXPECT_EQ(stops.pass("aabxyz"), "aa");
}

TEST(StopStrings, OverlapsItself) {
  StopStrings stops({"aab"});
  EXPECT_EQ(stops.pass("aa"), "");
  EXPECT_EQ(stops.pass("a"), "a");
  EXPECT_EQ(stops.pass("b"), "");
  EXPECT_TRUE(stops.stopped());
}

TEST(StopStrings, EmptyOnesAreLeftOut) {
  StopStrings stops({""});
  EXPECT_EQ(stops.pass("abc"), "abc");
}

}  // namespace
}  // namespace quern::inference
