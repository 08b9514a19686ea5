#include "inputs/tailer.hpp"

#include "base/fakes.hpp"

#include "inputs/test_support.hpp"
#include <gtest/gtest.h>
#include <zlib.h>

namespace quern::inputs {
namespace {

using namespace std::chrono_literals;
using test::append;
namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

// A folder of logs, and a tail of "*.log*" in it.
class TailerTest : public testing::Test {
 protected:
  TailerTest() {
    options_.paths = {(folder_.path() / "*.log").native()};
    options_.tag = "t";
    options_.lines.max_line = 1_MiB;
    options_.read_from_head = true;
    options_.positions = "state/positions";
  }

  fs::path at(std::string_view name) const { return folder_.path() / name; }
  void start() {
    auto made = Tailer::create(options_, files_, clock_);
    ASSERT_TRUE(made.ok()) << made.error().describe();
    tailer_ = std::move(*made);
  }
  // Until there is nothing more.
  void read() {
    clock_.advance(options_.refresh_interval);
    for (int i = 0; i < 1000; ++i) {
      const auto more = tailer_->step(sink_, {});
      if (more.ok() && !*more) return;
    }
    FAIL() << "it does not end";
  }
  void commit() { ASSERT_TRUE(tailer_->commit(sink_).ok()); }
  // Where the age of files matters.
  void wind_to_now() {
    clock_.advance(std::chrono::ceil<std::chrono::milliseconds>(std::chrono::system_clock::now() -
                                                                clock_.date()));
  }
  // As a kill would: nothing is said, what was not synced is gone.
  void kill() {
    sink_.crash();
    start();
  }

  test::TempFolder folder_;
  FakeFiles files_;
  ManualClock clock_;
  test::MemorySink sink_;
  TailOptions options_;
  std::unique_ptr<Tailer> tailer_;
};

TEST_F(TailerTest, GivesLinesAsTheyAreWritten) {
  append(at("a.log"), "one\ntwo\r\n\nhal");
  start();
  read();
  EXPECT_EQ(sink_.lines(), (Lines{"one", "two", ""}));
  append(at("a.log"), "f\n");
  read();
  EXPECT_EQ(sink_.lines().back(), "half");
  append(at("b.log"), "new\n");
  read();
  EXPECT_EQ(sink_.lines().back(), "new");
  EXPECT_EQ(tailer_->figures().open, 2U);
}

TEST_F(TailerTest, WritesPathAndOffsetWhereAsked) {
  options_.tag = "app.*";
  options_.lines.key = "message";
  options_.lines.path_key = "file";
  options_.lines.offset_key = "at";
  append(at("a.log"), "one\ntwo\n");
  start();
  read();
  const auto given = sink_.given();
  ASSERT_EQ(given.size(), 2U);
  EXPECT_EQ(given[1].record,
            R"({"file":")" + at("a.log").native() + R"(","at":4,"message":"two"})");
  std::string tag = at("a.log").native().substr(1);
  std::replace(tag.begin(), tag.end(), '/', '.');
  EXPECT_EQ(given[0].tag, "app." + tag);
}

TEST_F(TailerTest, TheVeryFirstStartBeginsAtTheLastLinesEnd) {
  options_.read_from_head = false;
  append(at("a.log"), "old\nbeing wri");
  start();
  read();
  commit();
  append(at("a.log"), "tten\n");
  append(at("b.log"), "new file\n");
  read();
  EXPECT_EQ(sink_.lines(), (Lines{"being written", "new file"}));
  commit();
  // What came while nobody was there is new, too.
  append(at("c.log"), "meanwhile\n");
  append(at("a.log"), "and this\n");
  kill();
  read();
  EXPECT_EQ(sink_.lines(), (Lines{"being written", "new file", "and this", "meanwhile"}));
}

TEST_F(TailerTest, GoesOnWhereTheSinkHasItOnTheDisk) {
  append(at("a.log"), "one\n");
  start();
  read();
  commit();
  append(at("a.log"), "two\n");
  read();
  kill();
  EXPECT_EQ(sink_.lines(), Lines{"one"});
  read();
  EXPECT_EQ(sink_.lines(), (Lines{"one", "two"}));
}

TEST_F(TailerTest, WhatIsNotTakenOrNotKeptComesAgain) {
  append(at("a.log"), "one\n");
  start();
  int refuse = 2;
  sink_.on_accept = [&]() -> Result<> {
    if (refuse-- > 0) return fail(ErrorKind::resource_exhausted, "full");
    return {};
  };
  read();
  EXPECT_EQ(sink_.lines(), Lines{"one"});
  bool broken = true;
  sink_.on_sync = [&]() -> Result<> {
    if (broken) return fail(ErrorKind::resource_exhausted, "disk full");
    return {};
  };
  EXPECT_FALSE(tailer_->commit(sink_).ok());
  EXPECT_EQ(sink_.lines(), Lines{});
  broken = false;
  read();
  commit();
  EXPECT_EQ(sink_.lines(), Lines{"one"});
}

// A filter holds lines back since `held`: all that came before is on the disk.
class HoldingSink final : public test::MemorySink {
 public:
  Result<Clock::Time> settle(Clock::Time now) override { return held.value_or(now); }
  std::optional<Clock::Time> held;
};

TEST_F(TailerTest, KeepsWhatIsSettledAndGoesOn) {
  HoldingSink sink;
  const auto read_into = [&] {
    clock_.advance(options_.refresh_interval);
    while (*tailer_->step(sink, {})) {
    }
  };
  append(at("a.log"), "one\n");
  start();
  read_into();
  clock_.advance(500ms);
  sink.held = clock_.now();
  for (int i = 0; i < 100; ++i) {
    append(at("a.log"), "held " + std::to_string(i) + "\n");
    read_into();
    ASSERT_TRUE(tailer_->commit_is_due());
    ASSERT_TRUE(tailer_->settle(sink).ok());
  }
  EXPECT_EQ(sink.size(), 101U);
  // A kill: what was given since comes again, what was given before does not.
  start();
  read_into();
  EXPECT_EQ(sink.size(), 201U);
  EXPECT_EQ(sink.lines()[101], "held 0");
  sink.held = std::nullopt;
  clock_.advance(options_.commit_interval);
  ASSERT_TRUE(tailer_->settle(sink).ok());
  EXPECT_FALSE(tailer_->commit_is_due());
  start();
  read_into();
  EXPECT_EQ(sink.size(), 201U);
}

// What was given at the very time at which the held line came may be that line.
TEST_F(TailerTest, WhatCameWithTheHeldLineIsNotSettled) {
  HoldingSink sink;
  append(at("a.log"), "held\n");
  start();
  clock_.advance(options_.refresh_interval);
  while (*tailer_->step(sink, {})) {
  }
  sink.held = clock_.now();
  clock_.advance(options_.commit_interval);
  ASSERT_TRUE(tailer_->settle(sink).ok());
  start();
  read();
  EXPECT_EQ(sink_.lines(), Lines{"held"});
}

TEST_F(TailerTest, FollowsARenamedFileToItsEnd) {
  append(at("a.log"), "one\n");
  start();
  read();
  fs::rename(at("a.log"), at("a.log.1"));
  append(at("a.log.1"), "last of the old\nwithout end");
  append(at("a.log"), "first of the new\n");
  read();
  EXPECT_EQ(sink_.lines(), (Lines{"one", "last of the old", "first of the new"}));
  clock_.advance(options_.rotate_wait);
  read();
  commit();
  read();
  EXPECT_EQ(sink_.lines().back(), "without end");
  EXPECT_EQ(tailer_->figures().open, 1U);
  EXPECT_EQ(tailer_->figures().rotated, 1U);
}

TEST_F(TailerTest, FindsWhatWasRenamedWhileNobodyWasThere) {
  append(at("a.log"), "one\n");
  start();
  read();
  commit();
  append(at("a.log"), "two\n");
  fs::rename(at("a.log"), at("a.log.1"));
  append(at("a.log"), "three\n");
  kill();
  read();
  Lines lines = sink_.lines();
  std::sort(lines.begin(), lines.end());
  EXPECT_EQ(lines, (Lines{"one", "three", "two"}));
}

TEST_F(TailerTest, AFileIsKnownByItsNumberBeforeItsFirstLineIsGiven) {
  start();
  append(at("a.log"), "one\n");
  read();
  // Not committed; and renamed to what no pattern finds.
  append(at("a.log"), "two\n");
  fs::rename(at("a.log"), at("a.log.1"));
  kill();
  read();
  EXPECT_EQ(sink_.lines(), (Lines{"one", "two"}));
}

TEST_F(TailerTest, ATruncatedFileIsReadFromItsBeginning) {
  append(at("a.log"), "one\ntwo\n");
  start();
  read();
  fs::resize_file(at("a.log"), 0);
  append(at("a.log"), "1\n");
  read();
  EXPECT_EQ(sink_.lines(), (Lines{"one", "two", "1"}));
  // Longer than it was, at once.
  fs::resize_file(at("a.log"), 0);
  append(at("a.log"), "another beginning\nand more\n");
  read();
  EXPECT_EQ(sink_.lines(), (Lines{"one", "two", "1", "another beginning", "and more"}));
  EXPECT_EQ(tailer_->figures().lines.truncated, 2U);
}

TEST_F(TailerTest, AWriterThatGoesOnBehindAHoleIsReadOn) {
  append(at("a.log"), "one\n");
  start();
  read();
  fs::resize_file(at("a.log"), 0);
  fs::resize_file(at("a.log"), 4);  // zeros: the writer did not open it anew
  append(at("a.log"), "two\n");
  read();
  EXPECT_EQ(sink_.lines(), (Lines{"one", "two"}));
}

// A log long enough to be known again.
std::string long_log(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i)
    text += "2026-11-23 line number " + std::to_string(i) + " of the log\n";
  return text;
}

TEST_F(TailerTest, ARotatedCopyIsReadOnlyWhereItIsNew) {
  options_.paths = {(folder_.path() / "*.log*").native()};
  append(at("a.log"), long_log(0, 100));
  start();
  read();
  commit();
  append(at("a.log"), long_log(100, 110));
  fs::copy_file(at("a.log"), at("a.log.1"));
  fs::resize_file(at("a.log"), 0);
  append(at("a.log"), "new\n");
  read();
  EXPECT_EQ(sink_.size(), 111U);
  EXPECT_EQ(tailer_->figures().copies, 1U);
  // Another file that begins alike is another file.
  fs::copy_file(at("a.log.1"), at("b.log"));
  read();
  EXPECT_EQ(sink_.size(), 221U);
}

void pack(const fs::path& from, const fs::path& to) {
  std::ifstream file(from, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const gzFile out = gzopen(to.c_str(), "wb");
  gzwrite(out, text.data(), static_cast<unsigned>(text.size()));
  gzclose(out);
  fs::last_write_time(to, fs::last_write_time(from) - 1h);
}

TEST_F(TailerTest, PackedSiblingsAreReadOnce) {
  options_.paths = {(folder_.path() / "*.log*").native()};
  options_.gzip = true;
  wind_to_now();
  append(at("old"), long_log(1000, 1050) + "the last has no end");
  pack(at("old"), at("old.log.1.gz"));
  append(at("a.log"), long_log(0, 100));
  start();
  read();
  read();
  commit();
  EXPECT_EQ(sink_.size(), 151U);
  // Rotated and packed before its end was read.
  append(at("a.log"), long_log(100, 110));
  pack(at("a.log"), at("a.log.1.gz"));
  fs::remove(at("a.log"));
  kill();
  read();
  read();
  commit();
  EXPECT_EQ(sink_.size(), 161U);
  EXPECT_EQ(tailer_->figures().copies, 1U);
  kill();
  read();
  EXPECT_EQ(sink_.size(), 161U);
}

TEST_F(TailerTest, WithoutBeingAskedPackedFilesAreLeftAlone) {
  options_.paths = {(folder_.path() / "*").native()};
  append(at("a.gz"), "no line\n");
  start();
  read();
  EXPECT_EQ(sink_.size(), 0U);
}

TEST_F(TailerTest, LongLinesAreCutAndCounted) {
  options_.lines.max_line = Bytes{300'000};
  append(at("a.log"), "short\n" + std::string(400'000, 'x'));
  start();
  read();
  ASSERT_EQ(sink_.size(), 2U);
  EXPECT_EQ(sink_.lines()[1].size(), 300'000U);
  commit();
  // It goes on being skipped, also after a restart.
  append(at("a.log"), std::string(1'000'000, 'x'));
  read();
  commit();
  kill();
  append(at("a.log"), std::string(500'000, 'x') + "\nnext\n" + std::string(300'000, 'y') + "\n");
  read();
  ASSERT_EQ(sink_.size(), 4U);
  EXPECT_EQ(sink_.lines()[2], "next");
  EXPECT_EQ(sink_.lines()[3].size(), 300'000U);
  EXPECT_EQ(tailer_->figures().lines.cut_bytes, 500'000U);
}

TEST_F(TailerTest, NoRecordIsLargerThanARecordMayBe) {
  options_.lines.path_key = "path";
  append(at("a.log"), std::string(2'000'000, 'x') + "\n");
  start();
  read();
  ASSERT_EQ(sink_.size(), 1U);
  EXPECT_LE(sink_.lines()[0].size(), logs::kLargestRecord.count);
  EXPECT_GE(sink_.lines()[0].size(), logs::kLargestRecord.count - 4096);
}

TEST_F(TailerTest, ExcludedNamesAreLeftOut) {
  options_.exclude = {"b.*"};
  append(at("a.log"), "a\n");
  append(at("b.log"), "b\n");
  start();
  read();
  EXPECT_EQ(sink_.lines(), Lines{"a"});
}

TEST_F(TailerTest, ANewFileWithTheNumberOfAnOldOneIsNew) {
  append(at("a.log"), "one\ntwo\nthree\n");
  start();
  read();
  commit();
  for (int i = 0; i < 5; ++i) {  // most file systems give the number out again at once
    fs::remove(at("a.log"));
    clock_.advance(options_.rotate_wait);
    read();
    clock_.advance(options_.rotate_wait);
    read();
    commit();
    read();
    append(at("a.log"), "new " + std::to_string(i) + " and longer than the old one\n");
    read();
    EXPECT_EQ(sink_.lines().back(), "new " + std::to_string(i) + " and longer than the old one");
  }
  EXPECT_EQ(sink_.size(), 8U);
}

TEST_F(TailerTest, MoreFilesThanMayBeOpenTakeTurns) {
  options_.max_files = 2;
  for (int i = 0; i < 6; ++i)
    append(at(std::to_string(i) + ".log"), "of " + std::to_string(i) + "\n");
  start();
  for (int i = 0; i < 6; ++i) {
    read();
    EXPECT_LE(tailer_->figures().open, 2U);
    commit();
    clock_.advance(6s);
  }
  EXPECT_EQ(sink_.size(), 6U);
  append(at("0.log"), "more\n");
  for (int i = 0; i < 3; ++i) {
    clock_.advance(6s);
    read();
    commit();
  }
  EXPECT_EQ(sink_.lines().back(), "more");
}

TEST_F(TailerTest, OldFilesAreReadWhenTheyGrow) {
  options_.ignore_older = 1h;
  options_.read_from_head = false;
  wind_to_now();
  append(at("a.log"), "old\n");
  fs::last_write_time(at("a.log"), fs::file_time_type::clock::now() - 2h);
  start();
  read();
  EXPECT_EQ(tailer_->figures().open, 0U);
  append(at("a.log"), "new\n");
  read();
  EXPECT_EQ(sink_.lines(), Lines{"new"});
}

TEST_F(TailerTest, OneFullFileHoldsUpNoOther) {
  append(at("a.log"), long_log(0, 50'000));
  append(at("b.log"), "b\n");
  start();
  clock_.advance(options_.refresh_interval);
  ASSERT_TRUE(tailer_->step(sink_, {}).ok());
  ASSERT_TRUE(tailer_->step(sink_, {}).ok());
  const Lines lines = sink_.lines();
  EXPECT_NE(std::find(lines.begin(), lines.end(), "b"), lines.end());
}

}  // namespace
}  // namespace quern::inputs
