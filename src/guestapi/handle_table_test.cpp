#include "guestapi/handle_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quern::guestapi {
namespace {

struct Apple final : Handle {
  explicit Apple(int* count) : alive(count) { ++*alive; }
  ~Apple() override { --*alive; }
  void ended() override { was_ended = true; }
  int* alive;
  bool was_ended = false;
};
struct Pear final : Handle {};

TEST(HandleTable, FindsByNumberAndType) {
  int alive = 0;  // the table counts it down when it goes
  HandleTable table(10);
  const std::uint32_t apple = table.add(std::make_shared<Apple>(&alive)).value();
  EXPECT_TRUE(table.find<Apple>(apple, "apple").ok());
  const auto pear = table.find<Pear>(apple, "pear");
  ASSERT_FALSE(pear.ok());
  EXPECT_EQ(pear.error().kind(), ErrorKind::guest_trap);
  EXPECT_EQ(pear.error().message(), "handle " + std::to_string(apple) + " is no open pear");
  for (const std::uint32_t forged : {0U, 2U, 4096U, 0xffffffffU}) {
    EXPECT_FALSE(table.find<Apple>(forged, "apple").ok()) << forged;
  }
}

TEST(HandleTable, ANumberIsNeverUsedTwice) {
  HandleTable table(10);
  const std::uint32_t first = table.add(std::make_shared<Pear>()).value();
  table.remove(first);
  table.remove(first);
  const std::uint32_t second = table.add(std::make_shared<Pear>()).value();
  EXPECT_NE(first, second);
  EXPECT_FALSE(table.find<Pear>(first, "pear").ok());
}

TEST(HandleTable, IsBounded) {
  HandleTable table(2);
  const std::uint32_t one = table.add(std::make_shared<Pear>()).value();
  ASSERT_TRUE(table.add(std::make_shared<Pear>()).ok());
  const auto third = table.add(std::make_shared<Pear>());
  ASSERT_FALSE(third.ok());
  EXPECT_THAT(third.error().message(), ::testing::HasSubstr("limits.handles"));
  table.remove(one);
  EXPECT_TRUE(table.add(std::make_shared<Pear>()).ok());
}

TEST(HandleTable, WhatIsUsedIsPinned) {
  int alive = 0;  // the table counts it down when it goes
  HandleTable table(2);
  const std::uint32_t id = table.add(std::make_shared<Apple>(&alive)).value();
  {
    const auto pinned = table.find<Apple>(id, "apple").value();
    table.remove(id);
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

TEST(HandleTable, ClosingTellsAndFreesEverything) {
  int alive = 0;  // the table counts it down when it goes
  HandleTable table(2);
  const auto apple = std::make_shared<Apple>(&alive);
  ASSERT_TRUE(table.add(apple).ok());
  ASSERT_TRUE(table.add(std::make_shared<Apple>(&alive)).ok());
  table.close();
  EXPECT_EQ(alive, 1);
  EXPECT_TRUE(apple->was_ended);
  EXPECT_EQ(table.size(), 0U);
  EXPECT_EQ(table.add(std::make_shared<Pear>()).error().kind(), ErrorKind::cancelled);
  table.close();
}

// A destructor that comes back to the table would deadlock if it ran under the lock.
struct Reentrant final : Handle {
  explicit Reentrant(HandleTable& table) : table_(table) {}
  ~Reentrant() override { (void)table_.size(); }
  HandleTable& table_;
};

TEST(HandleTable, DestructorsRunOutsideTheLock) {
  HandleTable table(3);
  const std::uint32_t id = table.add(std::make_shared<Reentrant>(table)).value();
  ASSERT_TRUE(table.add(std::make_shared<Reentrant>(table)).ok());
  table.remove(id);
  table.close();
  EXPECT_EQ(table.size(), 0U);
}

}  // namespace
}  // namespace quern::guestapi
