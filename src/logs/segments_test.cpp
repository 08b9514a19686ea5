#include "logs/segments.hpp"

#include "base/fakes.hpp"
#include "base/text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace quern::logs {
namespace {

using Frames = std::vector<std::string>;

std::unique_ptr<Segments> opened(Files& files, SegmentOptions options = {}) {
  Result<std::unique_ptr<Segments>> segments = Segments::open(files, "/branch", options);
  EXPECT_TRUE(segments) << segments.error().message();
  return std::move(segments).value();
}

void append(Segments& segments, const Frames& frames) {
  for (const std::string& frame : frames) {
    const Result<> done = segments.append(as_bytes(frame));
    ASSERT_TRUE(done) << done.error().message();
  }
  ASSERT_TRUE(segments.sync());
}

Frames rest(Segments& segments) {
  Frames frames;
  while (true) {
    const Result<std::optional<Buffer>> next = segments.next();
    EXPECT_TRUE(next) << next.error().message();
    if (!next || !*next) return frames;
    frames.emplace_back(as_text(**next));
  }
}

const Files::Path kFirst = "/branch/00000000000000000001.frames";

TEST(Segments, FramesComeInTheOrderInWhichTheyWentIn) {
  FakeFiles files;
  const auto segments = opened(files);
  EXPECT_TRUE(rest(*segments).empty());
  append(*segments, {"a", "bb", std::string(3'000'000, 'c')});
  EXPECT_EQ(rest(*segments), (Frames{"a", "bb", std::string(3'000'000, 'c')}));
  append(*segments, {"d"});
  EXPECT_EQ(rest(*segments), Frames{"d"});
}

TEST(Segments, WhatIsNotCommittedComesAgain) {
  FakeFiles files;
  {
    const auto segments = opened(files);
    append(*segments, {"a", "b", "c"});
    ASSERT_TRUE(segments->next());
    ASSERT_TRUE(segments->commit());
    EXPECT_EQ(rest(*segments), (Frames{"b", "c"}));
  }
  const auto again = opened(files);
  append(*again, {"d"});
  EXPECT_EQ(rest(*again), (Frames{"b", "c", "d"}));
}

TEST(Segments, FilesThatAreReadAreFreed) {
  FakeFiles files;
  const auto segments = opened(files, {.limit = 1_KiB, .segment = {100}});
  for (int round = 0; round < 50; ++round) {
    append(*segments, {std::string(90, 'x'), std::string(90, 'y')});
    EXPECT_EQ(rest(*segments).size(), 2U);
    ASSERT_TRUE(segments->commit());
    EXPECT_LE(segments->figures().held.count, 400U);
  }
  EXPECT_LE(files.list("/branch").value().size(), 5U);
}

TEST(Segments, AFullBufferSaysSoAndTakesTheNextWhenThereIsPlace) {
  FakeFiles files;
  const auto segments = opened(files, {.limit = {250}, .segment = {100}});
  append(*segments, {std::string(92, 'a'), std::string(92, 'b')});
  const Result<> full = segments->append(as_bytes(std::string(92, 'c')));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().kind(), ErrorKind::resource_exhausted);
  EXPECT_NE(full.error().message().find("/branch"), std::string::npos);
  EXPECT_EQ(rest(*segments).size(), 2U);
  ASSERT_TRUE(segments->commit());
  append(*segments, {std::string(92, 'd')});
  EXPECT_EQ(rest(*segments), Frames{std::string(92, 'd')});
}

// Counts what is read of files.
class CountingFiles final : public Files {
 public:
  Result<Buffer> read(const Path& path, Bytes limit) override { return files_.read(path, limit); }
  Result<Buffer> read_part(const Path& path, Bytes offset, Bytes size) override {
    Result<Buffer> part = files_.read_part(path, offset, size);
    if (part.ok()) got += part->size();
    return part;
  }
  Result<> write(const Path& path, ByteView bytes) override { return files_.write(path, bytes); }
  Result<std::unique_ptr<FileWriter>> append(const Path& path) override {
    return files_.append(path);
  }
  Result<FileInfo> stat(const Path& path) override { return files_.stat(path); }
  Result<std::vector<std::string>> list(const Path& path) override { return files_.list(path); }
  Result<> rename(const Path& from, const Path& to) override { return files_.rename(from, to); }
  Result<> remove(const Path& path) override { return files_.remove(path); }
  Result<> truncate(const Path& path, Bytes size) override { return files_.truncate(path, size); }
  Result<> make_directories(const Path& path, std::uint32_t mode) override {
    return files_.make_directories(path, mode);
  }
  Result<Bytes> free_space(const Path& path) override { return files_.free_space(path); }
  Result<std::unique_ptr<FileLock>> try_lock(const Path& path) override {
    return files_.try_lock(path);
  }
  std::size_t got = 0;

 private:
  FakeFiles files_;
};

TEST(Segments, OpeningReadsTheLastFileOnce) {
  CountingFiles files;
  Frames frames(20'000, std::string(100, 'x'));
  frames.push_back(std::string(3'000'000, 'y'));
  append(*opened(files), frames);
  const std::size_t size = files.stat(kFirst)->size.count;
  files.got = 0;
  const auto again = opened(files);
  EXPECT_LE(files.got, size);
  EXPECT_EQ(again->figures().torn.count, 0U);
  EXPECT_EQ(rest(*again), frames);
}

TEST(Segments, AnEndThatWasTornOffAnywhereIsCutAndCounted) {
  FakeFiles whole;
  append(*opened(whole), {"first", "second"});
  const Buffer bytes = whole.read(kFirst, 1_MiB).value();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    FakeFiles files;
    ASSERT_TRUE(files.make_directories("/branch", 0700));
    ASSERT_TRUE(files.write(kFirst, ByteView(bytes).first(size)));
    const auto segments = opened(files);
    append(*segments, {"third"});
    Frames expected{"third"};
    if (size >= 13) expected.insert(expected.begin(), "first");
    EXPECT_EQ(rest(*segments), expected) << size;
    EXPECT_EQ(segments->figures().torn.count, size < 13 ? size : size - 13) << size;
  }
}

TEST(Segments, ADamagedFileLosesItsRestAndNoOther) {
  FakeFiles whole;
  {
    const auto segments = opened(whole, {.segment = {20}});
    append(*segments, {"first", "second", "third"});
  }
  const Buffer bytes = whole.read(kFirst, 1_MiB).value();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    Buffer damaged = bytes;
    damaged[at] ^= std::byte{0x10};
    ASSERT_TRUE(whole.write(kFirst, damaged));
    const auto segments = opened(whole);
    const Frames frames = rest(*segments);
    ASSERT_FALSE(frames.empty());
    EXPECT_EQ(frames.back(), "third") << at;
    EXPECT_LT(frames.size(), 3U) << at;
    EXPECT_GT(segments->figures().torn.count, 0U) << at;
  }
}

TEST(Segments, WhatWasSyncedIsThereWhereverTheMachineStops) {
  FakeFiles once;
  const auto run = [](FakeFiles& files) {
    Frames kept;
    const Result<std::unique_ptr<Segments>> segments =
        Segments::open(files, "/branch", {.segment = {30}});
    if (!segments) return kept;
    for (int i = 0; i < 12; ++i) {
      const std::string frame = "frame " + std::to_string(i);
      if ((*segments)->append(as_bytes(frame)) && (*segments)->sync()) kept.push_back(frame);
    }
    return kept;
  };
  (void)run(once);
  for (int stop = 1; stop <= once.changes(); ++stop) {
    FakeFiles files;
    files.fail_at_change(stop, Error(ErrorKind::internal, "the machine stopped"));
    const Frames kept = run(files);
    files.work_again();
    Frames there = rest(*opened(files));
    for (const std::string& frame : kept) {
      EXPECT_NE(std::find(there.begin(), there.end(), frame), there.end())
          << frame << " after " << stop;
    }
    EXPECT_TRUE(std::is_sorted(there.begin(), there.end(), [](const auto& a, const auto& b) {
      return std::stoi(a.substr(6)) < std::stoi(b.substr(6));
    }));
  }
}

TEST(Segments, AfterAFullDiskItGoesOn) {
  FakeFiles files;
  const auto segments = opened(files);
  append(*segments, {"a"});
  files.fail_at_change(1, Error(ErrorKind::resource_exhausted, "no space left"));
  EXPECT_EQ(segments->append(as_bytes("half")).error().kind(), ErrorKind::resource_exhausted);
  files.work_again();
  append(*segments, {"b"});
  EXPECT_EQ(rest(*segments), (Frames{"a", "b"}));
}

TEST(Segments, SyncTellsOfWhatWasAppendedBeforeAWriteThatFailed) {
  FakeFiles files;
  const auto segments = opened(files);
  ASSERT_TRUE(segments->append(as_bytes("a")));
  files.fail_at_change(1, Error(ErrorKind::internal, "the disk is gone"));
  EXPECT_FALSE(segments->append(as_bytes("b")));
  EXPECT_FALSE(segments->sync()) << "nobody synced a";
  files.work_again();
  append(*segments, {"c"});
  EXPECT_EQ(rest(*segments), (Frames{"a", "c"}));
}

TEST(Segments, ALossIsCountedForThoseWhomSyncDidNotTell) {
  FakeFiles files;
  const auto segments = opened(files);
  ASSERT_TRUE(segments->append(as_bytes("of the first")));
  ASSERT_TRUE(segments->append(as_bytes("of the second")));
  const std::uint64_t before = segments->figures().losses;
  files.fail_at_change(1, Error(ErrorKind::resource_exhausted, "full"));
  EXPECT_FALSE(segments->sync());
  files.work_again();
  EXPECT_TRUE(segments->sync());
  EXPECT_EQ(segments->figures().losses, before + 1);
  append(*segments, {"after it"});
  EXPECT_EQ(segments->figures().losses, before + 1);
}

TEST(Segments, ADiskThatStaysFullDoesNotFillWithFiles) {
  FakeFiles files;
  const auto segments = opened(files);
  append(*segments, {"a"});
  for (int i = 0; i < 100; ++i) {
    files.fail_at_change(i % 3 + 1, Error(ErrorKind::resource_exhausted, "no space left"));
    (void)segments->append(as_bytes("frame"));
    (void)segments->append(as_bytes("frame"));
    files.work_again();
  }
  EXPECT_LT(files.list("/branch").value().size(), 120U);
  (void)rest(*segments);
  ASSERT_TRUE(segments->commit());
  EXPECT_LT(files.list("/branch").value().size(), 5U);
}

TEST(Segments, AFullBufferEmptiesHoweverSmallItIs) {
  FakeFiles files;
  const auto segments = opened(files, {.limit = 1_MiB});
  for (int round = 0; round < 20; ++round) {
    append(*segments, {std::string(200'000, 'x')});
    EXPECT_EQ(rest(*segments).size(), 1U);
    ASSERT_TRUE(segments->commit());
  }
}

TEST(Segments, FilesThatACrashLeftBehindTheCursorAreFreed) {
  FakeFiles files;
  {
    const auto segments = opened(files, {.segment = {10}});
    append(*segments, {"first", "second", "third"});
    EXPECT_EQ(rest(*segments).size(), 3U);
    files.fail_at_change(2, Error(ErrorKind::internal, "the machine stopped"));
    EXPECT_FALSE(segments->commit());
    files.work_again();
  }
  const auto again = opened(files);
  EXPECT_TRUE(rest(*again).empty());
  EXPECT_LT(again->figures().held.count, 20U);
}

TEST(Segments, ACursorOfFilesThatAreGoneIsNotTrusted) {
  FakeFiles files;
  ASSERT_TRUE(files.make_directories("/branch", 0700));
  ASSERT_TRUE(files.write("/branch/cursor", as_bytes("2 13\n")));
  {
    const auto segments = opened(files, {.segment = {10}});
    append(*segments, {"first", "second", "third"});
  }
  EXPECT_EQ(rest(*opened(files)), (Frames{"first", "second", "third"}));
  ASSERT_TRUE(files.write("/branch/cursor", as_bytes("what?\n")));
  const auto broken = Segments::open(files, "/branch");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().kind(), ErrorKind::corrupt_data);
  EXPECT_NE(broken.error().describe().find("cursor"), std::string::npos);
}

TEST(Segments, OneProcessHasAFolder) {
  FakeFiles files;
  const auto first = opened(files);
  const auto second = Segments::open(files, "/branch");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind(), ErrorKind::unavailable);
}

TEST(Segments, OneThreadAppendsWhileAnotherReads) {
  FakeFiles files;
  const auto segments = opened(files, {.segment = {1000}});
  constexpr int kFrames = 3000;
  std::jthread writer([&] {
    for (int i = 0; i < kFrames; ++i) ASSERT_TRUE(segments->append(as_bytes(std::to_string(i))));
  });
  for (int expected = 0; expected < kFrames;) {
    const Result<std::optional<Buffer>> next = segments->next();
    ASSERT_TRUE(next);
    if (!*next) continue;
    ASSERT_EQ(as_text(**next), std::to_string(expected));
    if (++expected % 100 == 0) {
      ASSERT_TRUE(segments->commit());
    }
  }
  EXPECT_EQ(segments->figures().torn.count, 0U);
}

}  // namespace
}  // namespace quern::logs
