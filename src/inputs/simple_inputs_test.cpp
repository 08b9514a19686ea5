// stdin and dummy; lines out of pieces.
#include "inputs/lines.hpp"
#include "inputs/test_input.hpp"
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace quern::inputs {
namespace {

using Lines = std::vector<std::string>;

TEST(LineBuffer, LinesInPiecesOfAnySize) {
  const std::string text = "one\ntwo\r\n\n" + std::string(50, 'x') + "\nlast";
  for (const std::size_t piece : {1U, 3U, 1000U}) {
    LineBuffer lines(Bytes{20});
    Lines found;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      const std::string part = text.substr(at, piece);
      std::copy(part.begin(), part.end(), reinterpret_cast<char*>(lines.room().data()));
      lines.filled(part.size());
      while (const auto line = lines.next()) found.emplace_back(*line);
    }
    (void)lines.room();
    lines.end();
    while (const auto line = lines.next()) found.emplace_back(*line);
    EXPECT_EQ(found, (Lines{"one", "two", "", std::string(20, 'x'), "last"})) << piece;
    EXPECT_EQ(lines.cut(), 1U);
  }
}

TEST(Stdin, GivesItsLinesAndEnds) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const int before = ::dup(STDIN_FILENO);
  ::dup2(pipe[0], STDIN_FILENO);
  ::close(pipe[0]);
  const std::string text = "one\ntwo";
  ASSERT_EQ(::write(pipe[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::close(pipe[1]);
  test::MadeInput in("type = \"stdin\"\n");
  EXPECT_TRUE(test::eventually([&] { return in.over.load(); }));
  in.stop();
  EXPECT_TRUE(in.result.ok());
  EXPECT_EQ(in.sink.lines(), (Lines{"one", "two"}));
  EXPECT_EQ(in.sink.kept(), 2U);
  ::dup2(before, STDIN_FILENO);
  ::close(before);
}

TEST(Dummy, GivesAsManyAsItShould) {
  test::MadeInput in("type = \"dummy\"\nrate = 1000000\ncount = 10000\nrecord = '{\"n\":1}'\n");
  EXPECT_TRUE(test::eventually([&] { return in.over.load(); }));
  EXPECT_EQ(in.sink.size(), 10'000U);
  EXPECT_EQ(in.sink.given()[0].record, R"({"n":1})");
  EXPECT_NE(test::MadeInput("type = \"dummy\"\nrecord = '[1]'\n").error.find("JSON object"),
            std::string::npos);
}

TEST(Tail, RunsAsAnInput) {
  test::MadeInput in(
      "type = \"tail\"\npath = \"*.log\"\nread_from_head = true\n"
      "refresh_interval = \"10ms\"\ncommit_interval = \"10ms\"\n");
  ASSERT_EQ(in.error, "");
  test::append(in.folder.path() / "a.log", "one\n");
  EXPECT_TRUE(test::eventually([&] { return in.sink.kept() == 1; }));
  in.stop();
  EXPECT_TRUE(in.result.ok());
  EXPECT_TRUE(in.files.exists(in.folder.path() / "state" / "positions"));
  EXPECT_NE(test::MadeInput("type = \"tail\"\n").error.find("path: says which files"),
            std::string::npos);
}

}  // namespace
}  // namespace quern::inputs
