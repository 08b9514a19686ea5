#include "cli/line_editor.hpp"

#include "base/fakes.hpp"
#include "base/unique_fd.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace quern::cli {
namespace {

// Types into the process's own stdin, as a terminal in raw mode would hand it over.
class Typing {
 public:
  explicit Typing(std::string_view keys) : before_(::dup(STDIN_FILENO)) {
    int ends[2] = {-1, -1};
    CHECK(::pipe(ends) == 0, "pipe");
    const UniqueFd in(ends[0]);
    const UniqueFd out(ends[1]);
    CHECK(::write(out.get(), keys.data(), keys.size()) == static_cast<ssize_t>(keys.size()),
          "keys");
    ::dup2(in.get(), STDIN_FILENO);
  }
  ~Typing() { ::dup2(before_.get(), STDIN_FILENO); }

 private:
  UniqueFd before_;
};

class Editor : public testing::Test {
 protected:
  std::optional<std::string> typed(std::string_view keys) {
    const Typing typing(keys);
    return editor_.read("> ");
  }
  FakeFiles files_;
  FakeConsole console_;
  History history_{"/h/history", files_};
  LineEditor editor_{history_, console_};
};

TEST_F(Editor, SendsOnEnter) { EXPECT_EQ(typed("hello\r"), "hello"); }

TEST_F(Editor, EditsWithTheUsualKeys) {
  EXPECT_EQ(typed("wrold\x1b[D\x1b[D\x1b[D\x7f\x1b[Cr\r"), "world");
  EXPECT_EQ(typed("one two\x17three\r"), "one three");
  EXPECT_EQ(typed("b\x01"
                  "a\x05"
                  "c\r"),
            "abc");
  EXPECT_EQ(typed("x\x1b[1;5Cy\x1b[99~z\r"), "xyz") << "unknown keys do nothing";
}

TEST_F(Editor, GoesOnAfterABackslash) {
  EXPECT_EQ(typed("one\\\rtwo\r"), "one\ntwo");
  EXPECT_EQ(typed("one\x1b\rtwo\r"), "one\ntwo");
}

TEST_F(Editor, KeepsTheLinesOfAPasteAndNotItsEscapes) {
  EXPECT_EQ(typed("\x1b[200~a\rb\x1b[31mc\x1b[201~\r"), "a\nb[31mc");
}

TEST_F(Editor, EndsAndDrops) {
  EXPECT_EQ(typed("\x04"), std::nullopt);
  EXPECT_EQ(typed(std::string_view("\0x\r", 3)), std::nullopt) << "as a terminal keeps it";
  EXPECT_EQ(typed("half\x03"), "");
  EXPECT_EQ(typed("cut off"), std::nullopt);
}

TEST_F(Editor, RemembersWhatWasSent) {
  EXPECT_EQ(typed("first\r"), "first");
  EXPECT_EQ(typed("sec\\\rond\r"), "sec\nond");
  EXPECT_EQ(typed("draft\x1b[A\x1b[A\r"), "first");
  EXPECT_EQ(typed("draft\x1b[A\x1b[B!\r"), "draft!");
  const History again("/h/history", files_);
  EXPECT_EQ(again.back(0), "draft!");
  EXPECT_EQ(again.back(2), "sec\nond") << "line ends survive the file";
  EXPECT_EQ(again.back(9), std::nullopt);
}

TEST_F(Editor, WorksWhenHistoryCannotBeWritten) {
  files_.fail_at_change(1, Error(ErrorKind::permission_denied, "read-only"));
  EXPECT_EQ(typed("hello\r"), "hello");
}

TEST(Harmless, TakesOutWhatATerminalWouldObey) {
  EXPECT_EQ(harmless("a\x1b]0;title\x07z\n\té"), "a]0;titlez\n\té");
  EXPECT_EQ(harmless("a\xC2\x9B"
                     "31mz"),
            "a31mz")
      << "the one-character form of ESC [";
}

}  // namespace
}  // namespace quern::cli
