#include "plugins/guest_heap.hpp"

#include "wasm/resident.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace quern::plugins {
namespace {

// A memory of a megabyte, one page of which is the guest's.
struct Memory {
  std::uint32_t pages = 1;
  GuestHeap::Grow grow = [this](std::uint32_t more) -> Result<std::uint32_t> {
    if (pages + more > 16) return fail(ErrorKind::resource_exhausted, "memory: full");
    const std::uint32_t begins = pages * wasm::kPage;
    pages += more;
    return begins;
  };
};

TEST(GuestHeap, BlocksLieApartAndAreGivenAgain) {
  Memory memory;
  GuestHeap heap;
  const auto one = *heap.allocate(100, memory.grow);
  const auto other = *heap.allocate(1, memory.grow);
  EXPECT_GE(one, wasm::kPage);
  EXPECT_EQ(one % 16, 0U);
  EXPECT_EQ(other, one + 112);
  EXPECT_TRUE(heap.release(one));
  EXPECT_FALSE(heap.release(one));
  EXPECT_FALSE(heap.release(other + 1));
  EXPECT_EQ(*heap.allocate(112, memory.grow), one);
  EXPECT_TRUE(heap.release(one));
  EXPECT_TRUE(heap.release(other));
  EXPECT_EQ(heap.in_use(), 0U);
  EXPECT_EQ(*heap.allocate(60'000, memory.grow), one);  // what was free is one again
}

TEST(GuestHeap, WhatTheMemoryDoesNotHaveIsNotGiven) {
  Memory memory;
  GuestHeap heap;
  EXPECT_FALSE(heap.allocate(2'000'000, memory.grow).ok());
  EXPECT_FALSE(heap.allocate(0xffff'ffff, memory.grow).ok());
  int blocks = 0;
  while (heap.allocate(10'000, memory.grow).ok()) ++blocks;
  EXPECT_GT(blocks, 80);
  EXPECT_EQ(memory.pages, 16U);  // it asks for less when twice as much is not to be had
}

TEST(GuestHeap, RandomUseKeepsBlocksApart) {
  std::minstd_rand random(1);
  Memory memory;
  GuestHeap heap;
  std::map<std::uint32_t, std::uint32_t> blocks;
  for (int i = 0; i < 20'000; ++i) {
    if (!blocks.empty() && random() % 2 == 0) {
      const auto at = std::next(blocks.begin(), static_cast<long>(random() % blocks.size()));
      ASSERT_TRUE(heap.release(at->first));
      blocks.erase(at);
      continue;
    }
    const auto size = static_cast<std::uint32_t>(random() % 2000);
    const auto block = heap.allocate(size, memory.grow);
    if (!block.ok()) continue;
    const auto [at, fresh] = blocks.emplace(*block, *heap.size_of(*block));
    ASSERT_TRUE(fresh);
    ASSERT_GE(at->second, size);
    if (const auto next = std::next(at); next != blocks.end()) {
      ASSERT_LE(at->first + at->second, next->first);
    }
    if (at != blocks.begin()) {
      const auto before = std::prev(at);
      ASSERT_LE(before->first + before->second, at->first);
    }
  }
}

}  // namespace
}  // namespace quern::plugins
