#include "logs/batch.hpp"

#include "logs/json.hpp"
#include "logs/msgpack.hpp"
#include "logs/record.hpp"
#include <gtest/gtest.h>

namespace quern::logs {
namespace {

Buffer record(std::string_view json) {
  Buffer out;
  EXPECT_TRUE(from_json(json, out).ok()) << json;
  return out;
}

std::string json(ByteView object) {
  std::string out;
  EXPECT_TRUE(msgpack::to_json(object, out).ok());
  return out;
}

TEST(Batch, EntriesComeOutAsTheyWentIn) {
  Batch batch;
  batch.add("app", {.seconds = 7, .nanoseconds = 9}, record(R"({"log":"a"})"));
  batch.add("app", {.seconds = 8}, record(R"({"log":"b"})"), record(R"({"host":"x"})"));
  batch.add("other", {}, record("{}"));
  ASSERT_EQ(batch.size(), 3U);
  EXPECT_EQ(batch.runs().size(), 2U);
  EXPECT_EQ(batch[0].time, (EventTime{.seconds = 7, .nanoseconds = 9}));
  EXPECT_EQ(json(batch[0].metadata), "{}");
  EXPECT_EQ(json(batch[1].metadata), R"({"host":"x"})");
  EXPECT_EQ(json(batch[1].record), R"({"log":"b"})");
  EXPECT_EQ(batch[2].tag, "other");
}

TEST(Batch, ALineIsWrittenAsItsRecordWouldBe) {
  for (const std::size_t size : {0U, 31U, 32U, 255U, 256U, 65535U, 65536U, 200'000U}) {
    const std::string line(size, 'x');
    Buffer whole;
    line_record("log", line, whole);
    Batch slow;
    slow.add("app", {.seconds = 7, .nanoseconds = 9}, whole);
    Batch fast;
    fast.add_line("app", {.seconds = 7, .nanoseconds = 9}, to_buffer("\x81\xa3log"), line);
    ASSERT_EQ(fast.size(), 1U);
    EXPECT_EQ(fast.runs()[0].entries, slow.runs()[0].entries) << size;
    EXPECT_EQ(Buffer(fast[0].record.begin(), fast[0].record.end()), whole) << size;
    EXPECT_EQ(fast.bytes(), slow.bytes());
  }
}

TEST(Batch, FramesHoldAllOfItAndNoneIsTooLarge) {
  Batch batch;
  const std::string line(100'000, 'x');
  for (int i = 0; i < 50; ++i) {
    Buffer one;
    msgpack::Writer writer(one);
    writer.map(1);
    writer.natural(static_cast<std::uint64_t>(i));
    writer.string(line);
    batch.add(i % 20 < 10 ? "a" : "b", {.seconds = static_cast<std::uint32_t>(i)}, one);
  }
  const std::vector<Buffer> frames = batch.frames(2_MiB);
  EXPECT_GT(frames.size(), 2U);
  Batch again;
  for (const Buffer& frame : frames) {
    EXPECT_LE(frame.size(), (2_MiB).count);
    again.append(*Batch::parse(frame));
  }
  ASSERT_EQ(again.size(), batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    EXPECT_EQ(again[i].tag, batch[i].tag);
    EXPECT_EQ(again[i].time, batch[i].time);
    EXPECT_TRUE(std::ranges::equal(again[i].record, batch[i].record));
  }
}

TEST(Batch, TakesEverySendersFormOfTime) {
  const auto packed = [](auto write_time) {
    Buffer entry;
    msgpack::Writer writer(entry);
    writer.array(2);
    write_time(writer);
    writer.map(0);
    return entry;
  };
  Batch batch;
  EXPECT_TRUE(batch.add_packed("t", packed([](auto& w) { w.natural(5); })).ok());
  EXPECT_TRUE(batch.add_packed("t", packed([](auto& w) { w.floating(5.5); })).ok());
  EXPECT_EQ(batch[0].time.seconds, 5U);
  EXPECT_EQ(batch[1].time.nanoseconds, 500'000'000U);
  EXPECT_FALSE(batch.add_packed("t", packed([](auto& w) { w.string("now"); })).ok());
  EXPECT_FALSE(batch.add_packed("t", packed([](auto& w) { w.floating(-1); })).ok());
  EXPECT_FALSE(batch.add_packed("t", packed([](auto& w) { w.natural(1ULL << 40U); })).ok());
  EXPECT_EQ(batch.size(), 2U);
}

TEST(Batch, WhatIsNoEntryIsRefused) {
  for (const std::string_view bytes :
       {"\x90", "\x92\x05\x90", "\x92\x92\x05\x90\x80", "\x05", "\x92"}) {
    Batch batch;
    EXPECT_FALSE(batch.add_packed("t", as_bytes(bytes)).ok());
    EXPECT_FALSE(batch.add_all_packed("t", as_bytes(bytes)).ok());
    EXPECT_FALSE(Batch::parse(as_bytes(bytes)).ok());
    EXPECT_TRUE(batch.empty());
  }
}

}  // namespace
}  // namespace quern::logs
