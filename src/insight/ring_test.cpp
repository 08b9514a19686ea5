#include "insight/ring.hpp"

#include "insight/test_files.hpp"
#include "insight/test_world.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quern::insight {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

mining::TemplateId same(mining::TemplateId id) { return id; }

class RingTest : public testing::Test {
 protected:
  std::unique_ptr<Ring> open(Bytes limit = 1_MiB) {
    auto ring = Ring::open(world.files, "/ring", limit);
    EXPECT_TRUE(ring.ok()) << ring.error().describe();
    return *std::move(ring);
  }
  // `count` lines of 100 bytes and more, of templates 1 to 10 in turn, one a second from `begin`.
  static void add(Ring& ring, std::uint32_t begin, std::uint32_t count) {
    logs::Batch batch;
    std::vector<mining::TemplateId> ids;
    for (std::uint32_t i = begin; i < begin + count; ++i) {
      add_line(batch, "line " + std::to_string(i) + " " + std::string(100, '.'), i);
      ids.push_back(i % 10 + 1);
    }
    ring.add(batch, ids);
  }
  static std::size_t found(const Ring& ring, const Search& search) {
    const auto all = ring.search(search, same);
    EXPECT_TRUE(all.ok());
    return all->size();
  }
  TestWorld world;
};

TEST_F(RingTest, FindsByTemplateTimeAndText) {
  const auto ring = open();
  add(*ring, 0, 5000);
  EXPECT_EQ(found(*ring, {.id = 3, .limit = 10'000}), 500U);
  EXPECT_EQ(found(*ring, {.from = 100, .to = 199}), 100U);
  EXPECT_EQ(found(*ring, {.text = "line 4999 "}), 1U) << "what is in no block yet, too";
  EXPECT_EQ(found(*ring, {.id = 3, .from = 100, .to = 199}), 10U);
  EXPECT_EQ(found(*ring, {.limit = 7}), 7U);
  const auto merged = ring->search({.id = 1, .limit = 10'000}, [](mining::TemplateId id) {
    return id == 2 ? mining::TemplateId{1} : id;
  });
  EXPECT_THAT(*merged, SizeIs(1000)) << "what became part of another is found under it";
}

TEST_F(RingTest, GoesOnAfterARestart) {
  {
    const auto ring = open();
    add(*ring, 0, 2000);
    ring->flush();
  }
  const auto ring = open();
  EXPECT_EQ(found(*ring, {.limit = 10'000}), 2000U);
  add(*ring, 2000, 10);
  ring->flush();
  EXPECT_EQ(found(*ring, {.limit = 10'000}), 2010U);
}

TEST_F(RingTest, StaysWithinItsLimitAndForgetsTheOldest) {
  const auto ring = open(1_MiB);
  for (std::uint32_t i = 0; i < 20; ++i) add(*ring, i * 2000, 2000);
  ring->flush();
  EXPECT_LE(ring->figures().held, 1_MiB);
  EXPECT_GT(ring->figures().freed, 0U);
  EXPECT_EQ(found(*ring, {.to = 1000}), 0U);
  EXPECT_EQ(found(*ring, {.text = "line 39999 "}), 1U);
  std::uint64_t size = 0;
  const auto names = world.files.list("/ring").value();
  for (const std::string& name : names) {
    size += world.files.stat("/ring/" + name).value().size.count;
  }
  EXPECT_LE(size, (1_MiB).count);
}

TEST_F(RingTest, ATornEndAndRottenBlocksLoseNoMoreThanThemselves) {
  {
    const auto ring = open();
    for (std::uint32_t i = 0; i < 3; ++i) {
      add(*ring, i * 10, 10);
      ring->flush();
    }
  }
  Buffer bytes = world.files.read("/ring/1.ring", 1_MiB).value();
  bytes[100] ^= std::byte{1};  // within the first block
  bytes.resize(bytes.size() - 5);
  ASSERT_TRUE(world.files.write("/ring/1.ring", bytes).ok());
  const auto ring = open();
  EXPECT_EQ(found(*ring, {}), 10U);
  EXPECT_EQ(ring->figures().damaged, 1U);
}

TEST_F(RingTest, AnyDamageAtAllIsSurvived) {
  {
    const auto ring = open();
    add(*ring, 0, 50);
    ring->flush();
  }
  const Buffer whole = world.files.read("/ring/1.ring", 1_MiB).value();
  for (std::size_t at = 0; at < 400; ++at) {
    for (const unsigned bits : {1U, 0x80U, 0xffU}) {
      Buffer bytes = whole;
      bytes[at] ^= static_cast<std::byte>(bits);
      ASSERT_TRUE(world.files.write("/ring/1.ring", bytes).ok());
      EXPECT_EQ(found(*open(), {}), 0U) << at;
    }
  }
}

TEST_F(RingTest, AFullDiskLosesTheBlockAndIsCounted) {
  const auto ring = open();
  add(*ring, 0, 10);
  world.files.fail_at_change(1, Error(ErrorKind::resource_exhausted, "full"));
  ring->flush();
  EXPECT_EQ(ring->figures().lost, 10U);
  world.files.work_again();
  add(*ring, 10, 10);
  ring->flush();
  EXPECT_EQ(found(*ring, {}), 10U);
}

TEST_F(RingTest, AFullDiskLeavesNoEmptyFilesAndNoHalfBlocks) {
  RealisticFiles files(world.files);
  const auto ring = Ring::open(files, "/ring", 1_MiB).value();
  add(*ring, 0, 10);
  ring->flush();
  const Bytes before = world.files.stat("/ring/1.ring").value().size;
  files.full = true;
  for (std::uint32_t i = 1; i < 20; ++i) {
    add(*ring, i * 10, 10);
    ring->flush();
  }
  EXPECT_THAT(world.files.list("/ring").value(), SizeIs(1));
  EXPECT_EQ(world.files.stat("/ring/1.ring").value().size, before);
  EXPECT_EQ(ring->figures().lost, 190U);
  EXPECT_EQ(ring->figures().held, before);
  files.full = false;
  add(*ring, 200, 10);
  ring->flush();
  EXPECT_EQ(found(*ring, {}), 20U);
  EXPECT_EQ(found(*open(), {}), 20U);
}

TEST_F(RingTest, WhatCannotBeReadOnceIsReadTheNextTime) {
  {
    const auto ring = open();
    add(*ring, 0, 10);
    ring->flush();
  }
  RealisticFiles files(world.files);
  const auto ring = Ring::open(files, "/ring", 1_MiB).value();
  files.fails_to_read = true;
  EXPECT_EQ(found(*ring, {}), 0U);
  files.fails_to_read = false;
  EXPECT_EQ(found(*ring, {}), 10U);
}

TEST_F(RingTest, WhatMadeRoomMeanwhileIsNotDamaged) {
  RealisticFiles files(world.files);
  const auto ring = Ring::open(files, "/ring", 1_MiB).value();
  add(*ring, 0, 10);
  ring->flush();
  files.before_read = [&] { (void)world.files.remove("/ring/1.ring"); };
  EXPECT_EQ(found(*ring, {}), 0U);
  EXPECT_EQ(ring->figures().damaged, 0U);
}

TEST_F(RingTest, AStartReadsNoBlock) {
  {
    const auto ring = open(8_MiB);
    for (std::uint32_t i = 0; i < 10; ++i) add(*ring, i * 2000, 2000);
    ring->flush();
  }
  ASSERT_TRUE(world.files.write("/ring/900.ring", {}).ok());  // of a disk that was full
  RealisticFiles files(world.files);
  const auto ring = Ring::open(files, "/ring", 8_MiB).value();
  EXPECT_EQ(files.bytes_read, 0U);
  EXPECT_FALSE(world.files.exists("/ring/900.ring"));
  EXPECT_EQ(found(*ring, {.from = 100, .to = 199}), 100U);
  const std::uint64_t first = files.bytes_read;  // the heads of all blocks, and the one block
  EXPECT_LT(first, ring->figures().held.count / 4);
  EXPECT_EQ(found(*ring, {.from = 100, .to = 199}), 100U);
  EXPECT_LT(files.bytes_read - first, first) << "heads are read once";
  add(*ring, 20'000, 10);
  EXPECT_EQ(found(*ring, {.from = 19'990, .limit = 10'000}), 20U);
}

}  // namespace
}  // namespace quern::insight
