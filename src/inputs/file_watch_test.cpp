// Waking when a file is written to. The waits are so long that a test that gets its lines by asking
// again and again would not end in time.
#include "inputs/file_watch.hpp"

#include "inputs/test_input.hpp"
#include <gtest/gtest.h>

#include <thread>

namespace quern::inputs {
namespace {

using namespace std::chrono_literals;
using test::append;

TEST(FileWatch, WakesWhenAFileIsWrittenTo) {
  const test::TempFolder folder;
  const std::string name = folder.path() / "a";
  const std::string other = folder.path() / "b";
  append(name, "1\n");
  append(other, "1\n");
  FileWatch watch;
  watch.follow({name, folder.path() / "nobody"});
  EXPECT_EQ(watch.size(), 1U);
  append(other, "2\n");
  EXPECT_FALSE(*watch.wait(0ms, {})) << "nobody asked for that one";
  // Written before it is waited for, and renamed.
  append(name, "2\n");
  EXPECT_TRUE(*watch.wait(1h, {}));
  EXPECT_FALSE(*watch.wait(0ms, {}));
  std::filesystem::rename(name, folder.path() / "c");
  append(folder.path() / "c", "3\n");
  EXPECT_TRUE(*watch.wait(1h, {}));
  std::jthread writer([&] { append(folder.path() / "c", "4\n"); });
  EXPECT_TRUE(*watch.wait(1h, {}));
  writer.join();
  watch.follow({other});
  (void)watch.wait(0ms, {});  // of what it no longer follows it may tell once
  append(folder.path() / "c", "5\n");
  EXPECT_FALSE(*watch.wait(0ms, {}));
  append(other, "3\n");
  EXPECT_TRUE(*watch.wait(1h, {}));
}

TEST(FileWatch, AStopEndsTheWait) {
  FileWatch watch;
  std::stop_source stop;
  std::jthread stops([&] { stop.request_stop(); });
  EXPECT_EQ(watch.wait(1h, stop.get_token()).error().kind(), ErrorKind::cancelled);
  EXPECT_EQ(watch.wait(1h, stop.get_token()).error().kind(), ErrorKind::cancelled);
  EXPECT_FALSE(*watch.wait(0ms, {})) << "the stop of one wait is not that of the next";
}

std::string tail(const std::filesystem::path& log, const std::string& more) {
  return "type = \"tail\"\nread_from_head = true\npath = \"" + log.string() + "\"\n" + more;
}

TEST(Tail, ALineWakesIt) {
  const test::TempFolder folder;
  const std::filesystem::path log = folder.path() / "app.log";
  append(log, "first\n");
  test::MadeInput in(tail(log, "poll_interval = \"1h\"\nrefresh_interval = \"1h\"\n"));
  ASSERT_EQ(in.error, "");
  ASSERT_TRUE(test::eventually([&] { return in.figure("tail_files_watched") == 1; }));
  for (std::size_t lines = 2; lines < 20; ++lines) {
    append(log, "line\n");
    ASSERT_TRUE(test::eventually([&] { return in.sink.size() == lines; })) << lines;
  }
}

TEST(Tail, WhatNobodyTellsOfIsLookedForAllTheSame) {
  const test::TempFolder folder;
  const std::filesystem::path log = folder.path() / "app.log";
  append(log, "first\n");
  test::MadeInput in(tail(log,
                          "poll_interval = \"5ms\"\nrefresh_interval = \"10ms\"\n"
                          "rotate_wait = \"1h\"\n"));
  ASSERT_TRUE(test::eventually([&] { return in.figure("tail_files_watched") == 1; }));
  // The old file has no name any more under which it could be watched, and is still written to.
  std::filesystem::rename(log, folder.path() / "old");
  append(log, "new\n");
  ASSERT_TRUE(test::eventually([&] {
    return in.sink.size() == 2 && in.figure("tail_files_open") == 2 &&
           in.figure("tail_files_watched") == 1;
  }));
  append(folder.path() / "old", "late\n");
  EXPECT_TRUE(test::eventually([&] { return in.sink.size() == 3; }));
  EXPECT_NE(test::MadeInput(tail(log, "poll_interval = \"0s\"\n")).error.find("poll_interval"),
            std::string::npos);
}

}  // namespace
}  // namespace quern::inputs
