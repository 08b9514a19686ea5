#include "cli/line_buffer.hpp"

#include <gtest/gtest.h>

namespace quern::cli {
namespace {

TEST(LineBuffer, MovesOverWholeCharacters) {
  LineBuffer line;
  line.insert("aé日");
  EXPECT_EQ(line.cursor(), 6U);
  line.left();
  EXPECT_EQ(line.cursor(), 3U);
  line.left();
  EXPECT_EQ(line.cursor(), 1U);
  line.erase();
  EXPECT_EQ(line.text(), "a日");
  line.end();
  line.backspace();
  EXPECT_EQ(line.text(), "a");
  line.right();
  line.right();
  EXPECT_EQ(line.cursor(), 1U);
}

TEST(LineBuffer, WordsAndKills) {
  LineBuffer line;
  line.set("one two  three");
  line.word_left();
  EXPECT_EQ(line.cursor(), 9U);
  line.kill_word();
  EXPECT_EQ(line.text(), "one three");
  line.kill_to_end();
  EXPECT_EQ(line.text(), "one ");
  line.home();
  line.word_right();
  EXPECT_EQ(line.cursor(), 3U);
  line.kill_to_start();
  EXPECT_EQ(line.text(), " ");
}

TEST(LineBuffer, NothingHappensAtTheEnds) {
  LineBuffer line;
  line.backspace();
  line.erase();
  line.left();
  line.right();
  line.word_left();
  line.kill_word();
  EXPECT_EQ(line.text(), "");
}

TEST(Columns, CountsWhatATerminalShows) {
  EXPECT_EQ(columns_of("abc"), 3U);
  EXPECT_EQ(columns_of("é"), 1U);
  EXPECT_EQ(columns_of("日本"), 4U);
  EXPECT_EQ(columns_of("e\xCC\x81"), 1U) << "a combining accent takes no column";
  EXPECT_EQ(columns_of("🙂"), 2U);
  EXPECT_EQ(columns_of("\xE6\x97"), 2U) << "broken UTF-8: one column a byte";
}

}  // namespace
}  // namespace quern::cli
