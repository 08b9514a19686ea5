#include "base/unpack.hpp"

#include "outputs/test_support.hpp"
#include <unistd.h>

#include <csignal>
#include <thread>

namespace quern::outputs {
namespace {

using namespace std::chrono_literals;
using logs::Batch;
using test::add;
using test::must_make;

std::string content(Files& files, const std::string& path) {
  const Result<Buffer> bytes = files.read(path, 10_MiB);
  return bytes.ok() ? std::string(as_text(*bytes)) : "(" + bytes.error().describe() + ")";
}

TEST(FileOutput, LinesOfJsonByTagAndDay) {
  test::World w;
  const auto file = must_make("file", R"(path = "out/{@tag}/{@time:%Y-%m-%d}.log")", w.world);
  Batch batch;
  add(batch, "app", R"({"log":"one","time":"mine"})");
  add(batch, "../../etc", R"({"log":"two"})", test::kSecond + 86'400);
  add(batch, "app", R"({})", test::kSecond, 5);
  const Result<Batch> dead = file->deliver(batch, {});
  ASSERT_TRUE(dead.ok()) << dead.error().describe();
  EXPECT_TRUE(dead->empty());
  EXPECT_TRUE(file->sync().ok());
  EXPECT_EQ(content(w.files, "/pipes/out/app/2026-11-22.log"),
            "{\"log\":\"one\",\"time\":\"mine\"}\n"
            "{\"time\":\"2026-11-22T09:40:01.000000005Z\"}\n");
  EXPECT_EQ(content(w.files, "/pipes/out/_._.._etc/2026-11-23.log").substr(0, 30),
            "{\"time\":\"2026-11-23T09:40:01.0");
}

TEST(FileOutput, TextAndMsgpack) {
  test::World w;
  Batch batch;
  add(batch, "t", R"({"log":"a\nb","level":"info"})");
  const auto text = must_make("file", R"(path = "a"
format = "text"
template = "{level} {@line}")",
                              w.world);
  ASSERT_TRUE(text->deliver(batch, {}).ok());
  EXPECT_EQ(content(w.files, "/pipes/a"), "info a\\nb\n");
  const auto packed = must_make("file", "path = \"b\"\nformat = \"msgpack\"", w.world);
  ASSERT_TRUE(packed->deliver(batch, {}).ok());
  Batch again;
  ASSERT_TRUE(again.add_all_packed("t", as_bytes(content(w.files, "/pipes/b"))).ok());
  EXPECT_EQ(again.size(), 1U);
}

TEST(FileOutput, RotatesBySizeAndKeepsSoMany) {
  test::World w;
  const auto file = must_make("file", R"(path = "log"
format = "text"
template = "{@line}"
rotate_size = "10 B"
rotate_keep = 2
rotate_gzip = true)",
                              w.world);
  for (const std::string_view line : {"first one", "second one", "third one", "fourth one"}) {
    Batch batch;
    batch.add("t", {}, test::record("{\"log\":\"" + std::string(line) + "\"}"));
    ASSERT_TRUE(file->deliver(batch, {}).ok());
  }
  EXPECT_EQ(content(w.files, "/pipes/log"), "fourth one\n");
  EXPECT_EQ(as_text(*unpack(*w.files.read("/pipes/log.1.gz", 1_MiB), 1_MiB)), "third one\n");
  EXPECT_EQ(as_text(*unpack(*w.files.read("/pipes/log.2.gz", 1_MiB), 1_MiB)), "second one\n");
  EXPECT_FALSE(w.files.exists("/pipes/log.3.gz"));
  EXPECT_FALSE(w.files.exists("/pipes/log.1"));
}

TEST(FileOutput, NoTagHasTheNameOfAnothersRotatedFile) {
  test::World w;
  const auto file = must_make("file", R"(path = "out/{@tag}"
format = "text"
template = "{@line}"
rotate_size = "10 B"
rotate_keep = 1)",
                              w.world);
  const auto write = [&](std::string_view tag, std::string_view line) {
    Batch batch;
    add(batch, tag, "{\"log\":\"" + std::string(line) + "\"}");
    ASSERT_TRUE(file->deliver(batch, {}).ok());
  };
  for (const std::string_view tag : {"a.1", "a~1", "a.1.gz"}) write(tag, "others");
  for (int n = 0; n < 4; ++n) write("a", "mine, long enough");
  for (const std::string_view name : {"a.1", "a_1", "a.1.gz"})
    EXPECT_EQ(content(w.files, "/pipes/out/" + std::string(name)), "others\n");
  EXPECT_EQ(content(w.files, "/pipes/out/a~1"), "mine, long enough\n");
}

TEST(FileOutput, RotatesByAge) {
  test::World w;
  const auto file = must_make("file", "path = \"log\"\nrotate_age = \"1h\"", w.world);
  Batch batch;
  add(batch, "t", R"({"log":"x"})");
  ASSERT_TRUE(file->deliver(batch, {}).ok());
  w.clock.advance(59min);
  ASSERT_TRUE(file->deliver(batch, {}).ok());
  EXPECT_FALSE(w.files.exists("/pipes/log.1"));
  w.clock.advance(2min);
  ASSERT_TRUE(file->deliver(batch, {}).ok());
  EXPECT_TRUE(w.files.exists("/pipes/log.1"));
}

TEST(FileOutput, TagsMakeOnlySoManyFiles) {
  test::World w;
  const auto file = must_make("file", R"(path = "out/{@tag}"
max_files = 3
max_open_files = 2)",
                              w.world);
  Batch batch;
  for (int n = 0; n < 5; ++n) add(batch, "t" + std::to_string(n), R"({"log":"x"})");
  const Result<Batch> dead = file->deliver(batch, {});
  ASSERT_TRUE(dead.ok());
  EXPECT_EQ(dead->size(), 2U);
  EXPECT_THAT(test::reasons(*dead), testing::HasSubstr("max_files"));
  ASSERT_TRUE(file->deliver(batch, {}).ok());
  EXPECT_TRUE(file->sync().ok());
  EXPECT_EQ(w.files.list("/pipes/out")->size(), 3U);
}

TEST(FileOutput, HalfALineOfACrashStaysByItself) {
  test::World w;
  ASSERT_TRUE(w.files.make_directories("/pipes", 0755).ok());
  ASSERT_TRUE(w.files.write("/pipes/log", as_bytes("{\"log\":\"ha")).ok());
  const auto file = must_make("file", "path = \"log\"\ntime_key = \"\"", w.world);
  Batch batch;
  add(batch, "t", R"({"log":"whole"})");
  ASSERT_TRUE(file->deliver(batch, {}).ok());
  ASSERT_TRUE(file->deliver(batch, {}).ok());
  EXPECT_EQ(content(w.files, "/pipes/log"),
            "{\"log\":\"ha\n{\"log\":\"whole\"}\n{\"log\":\"whole\"}\n");
}

// The disk fails at each of its changes in turn: the batch comes again, and is there once.
TEST(FileOutput, ADiskThatFailsLeavesNoHalfLine) {
  for (int n = 1; n < 12; ++n) {
    test::World w;
    const auto file = must_make("file", R"(path = "out/{@tag}"
rotate_size = "200 B")",
                                w.world);
    Batch batch;
    add(batch, "a", R"({"log":"the first"})");
    add(batch, "b", R"({"log":"the second"})");
    ASSERT_TRUE(file->deliver(batch, {}).ok());
    w.files.fail_at_change(n, Error(ErrorKind::resource_exhausted, "disk full"));
    const Result<Batch> failed = file->deliver(batch, {});
    EXPECT_TRUE(failed.ok() || failed.error().kind() == ErrorKind::resource_exhausted);
    w.files.work_again();
    EXPECT_TRUE(failed.ok() || file->deliver(batch, {}).ok());
    const std::string a = content(w.files, "/pipes/out/a");
    EXPECT_TRUE(a.ends_with("}\n")) << n << a;
  }
}

TEST(FileOutput, WhatIsWrongInAFileIsNamed) {
  test::World w;
  EXPECT_THAT(test::refused("file", "", w.world), testing::HasSubstr("path"));
  EXPECT_THAT(test::refused("file", "path = \"{@tag}.log\"", w.world),
              testing::HasSubstr("must begin with a folder"));
  EXPECT_THAT(test::refused("file", "path = \"a/{x\"", w.world), testing::HasSubstr("has no"));
  EXPECT_THAT(test::refused("file", "path = \"a\"\nrotat = 1", w.world),
              testing::HasSubstr("unknown key"));
  EXPECT_THAT(test::refused("file", "path = \"a\"\nformat = \"xml\"", w.world),
              testing::HasSubstr("json"));
}

TEST(Stdout, LinesInOrder) {
  test::World w;
  const auto out = must_make("stdout", "format = \"text\"\ntemplate = \"{@line}\"", w.world);
  Batch batch;
  for (int n = 0; n < 3; ++n) add(batch, "t", "{\"log\":\"" + std::to_string(n) + "\"}");
  testing::internal::CaptureStdout();
  const Result<Batch> dead = out->deliver(batch, {});
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "0\n1\n2\n");
  EXPECT_TRUE(dead.ok() && dead->empty());
}

// A pipe that nobody reads fills; whoever writes to it can still be stopped.
TEST(Stdout, AReaderThatSleepsKeepsNoThread) {
  test::World w;
  const auto out = must_make("stdout", "", w.world);
  Batch batch;
  for (int n = 0; n < 100; ++n) add(batch, "t", "{\"log\":\"" + std::string(8000, 'x') + "\"}");
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const int before = ::dup(STDOUT_FILENO);
  ::dup2(ends[1], STDOUT_FILENO);
  std::stop_source stop;
  ErrorKind kind = ErrorKind::internal;
  {
    std::jthread writes([&] {
      const Result<Batch> dead = out->deliver(batch, stop.get_token());
      if (!dead.ok()) kind = dead.error().kind();
    });
    stop.request_stop();
  }
  ::dup2(before, STDOUT_FILENO);
  ::close(before);
  ::close(ends[0]);
  ::close(ends[1]);
  EXPECT_EQ(kind, ErrorKind::cancelled);
}

TEST(Stdout, AReaderThatHasGoneIsNotWaitedFor) {
  test::World w;
  const auto out = must_make("stdout", "", w.world);
  Batch batch;
  add(batch, "t", R"({"log":"x"})");
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  const int before = ::dup(STDOUT_FILENO);
  const auto signalled = std::signal(SIGPIPE, SIG_IGN);
  ::dup2(ends[1], STDOUT_FILENO);
  const Result<Batch> dead = out->deliver(batch, {});
  ::dup2(before, STDOUT_FILENO);
  (void)std::signal(SIGPIPE, signalled);
  ::close(before);
  ::close(ends[1]);
  ASSERT_FALSE(dead.ok());
  EXPECT_EQ(dead.error().kind(), ErrorKind::cancelled);
  EXPECT_THAT(dead.error().describe(), testing::HasSubstr("standard output"));
}

TEST(Null, TakesAll) {
  test::World w;
  Batch batch;
  add(batch, "t", "{}");
  const Result<Batch> dead = must_make("null", "", w.world)->deliver(batch, {});
  EXPECT_TRUE(dead.ok() && dead->empty());
}

}  // namespace
}  // namespace quern::outputs
