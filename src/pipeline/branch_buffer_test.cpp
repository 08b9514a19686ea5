#include "pipeline/branch_buffer.hpp"

#include "pipeline/fake_stages.hpp"

#include <functional>
#include <future>
#include <thread>

namespace quern::pipeline {
namespace {

using namespace std::chrono_literals;

SharedBatch numbered(int n, std::size_t bytes = 10) {
  logs::Batch batch;
  batch.add("t", {},
            record("{\"n\":" + std::to_string(n) + ",\"x\":\"" + std::string(bytes, 'x') + "\"}"));
  return std::make_shared<const logs::Batch>(std::move(batch));
}

int number_of(const SharedBatch& batch) {
  logs::msgpack::Reader reader(*logs::field((*batch)[0].record, "n"));
  return static_cast<int>(reader.next()->natural);
}

OutputPlan plan(Buffering buffering, WhenFull when_full) {
  OutputPlan plan{.stage = {.settings = *Settings::parse("", "")}};
  plan.buffering = buffering;
  plan.when_full = when_full;
  plan.limit = 16_MiB;
  plan.spill_limit = 64_MiB;
  return plan;
}

class BranchBufferTest : public ::testing::Test {
 protected:
  std::unique_ptr<BranchBuffer> open(Buffering buffering, WhenFull when_full) {
    auto buffer = open_buffer(plan(buffering, when_full), files_, scratch_.path() / "buffer");
    EXPECT_TRUE(buffer.ok());
    return *std::move(buffer);
  }
  Scratch scratch_;
  RealFiles files_;
};

TEST_F(BranchBufferTest, ThingsComeOutInOrderAndThenItIsDrained) {
  for (const Buffering buffering : {Buffering::disk, Buffering::memory}) {
    const auto buffer = open(buffering, WhenFull::block);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(*buffer->put(numbered(i), {}), 0U);
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(number_of(*buffer->take(Deadline::in(1s), {})), i);
      EXPECT_FALSE(buffer->drained());
    }
    EXPECT_EQ(*buffer->take(Deadline::in(1ms), {}), nullptr);
    EXPECT_TRUE(buffer->drained());
    EXPECT_TRUE(buffer->forget().ok());
  }
}

TEST_F(BranchBufferTest, AFullOneDropsWhereItIsToldTo) {
  for (const Buffering buffering : {Buffering::disk, Buffering::memory}) {
    const auto buffer = open(buffering, WhenFull::drop);
    std::uint64_t dropped = 0;
    for (int i = 0; i < 40; ++i) dropped += *buffer->put(numbered(i, 900'000), {});
    EXPECT_GT(dropped, 15U);
    EXPECT_LT(dropped, 30U);
    std::uint64_t kept = 0;
    while (*buffer->take(Deadline::in(1ms), {})) ++kept;
    EXPECT_EQ(kept + dropped, 40U);
    EXPECT_TRUE(buffer->forget().ok());
  }
}

TEST_F(BranchBufferTest, AFullOneBlocksUntilThereIsRoom) {
  for (const Buffering buffering : {Buffering::disk, Buffering::memory}) {
    const auto buffer = open(buffering, WhenFull::block);
    std::jthread giving([&](const std::stop_token& stop) {
      for (int i = 0; i < 60; ++i) EXPECT_EQ(*buffer->put(numbered(i, 900'000), stop), 0U);
    });
    for (int i = 0; i < 60; ++i) {
      EXPECT_EQ(number_of(*buffer->take(Deadline::in(10s), {})), i);
      EXPECT_TRUE(buffer->forget().ok());
    }
  }
}

TEST_F(BranchBufferTest, WhoWaitsForRoomIsLetGoByAStopAndByClose) {
  for (const Buffering buffering : {Buffering::disk, Buffering::memory}) {
    const auto buffer = open(buffering, WhenFull::block);
    const auto fill = [&](const std::stop_token& stop) {
      while (true) {
        if (const auto put = buffer->put(numbered(1, 900'000), stop); !put)
          return put.error().kind();
      }
    };
    std::stop_source stop;
    std::jthread stopping([&] {
      std::this_thread::sleep_for(50ms);
      stop.request_stop();
    });
    EXPECT_EQ(fill(stop.get_token()), ErrorKind::cancelled);
    std::jthread closing([&] {
      std::this_thread::sleep_for(50ms);
      buffer->close();
    });
    EXPECT_EQ(fill({}), ErrorKind::unavailable);
    buffer->release();
    std::filesystem::remove_all(scratch_.path() / "buffer");
  }
}

TEST_F(BranchBufferTest, MemorySpillsOntoTheDiskAndComesBackInOrder) {
  const auto buffer = open(Buffering::memory, WhenFull::spill);
  int next = 0;
  int taken = 0;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 30; ++i) EXPECT_EQ(*buffer->put(numbered(next++, 900'000), {}), 0U);
    for (int i = 0; i < 30; ++i)
      EXPECT_EQ(number_of(*buffer->take(Deadline::in(10s), {})), taken++);
    EXPECT_EQ(*buffer->take(Deadline::in(100ms), {}), nullptr);
    EXPECT_TRUE(buffer->drained());
    EXPECT_TRUE(buffer->forget().ok());
  }
}

TEST_F(BranchBufferTest, WhatSpilledIsThereForTheNextRun) {
  {
    const auto buffer = open(Buffering::memory, WhenFull::spill);
    // Nothing is left of an earlier run: from here on memory comes first.
    EXPECT_EQ(*buffer->take(Deadline::in(100ms), {}), nullptr);
    for (int i = 0; i < 30; ++i) EXPECT_EQ(*buffer->put(numbered(i, 900'000), {}), 0U);
    EXPECT_TRUE(buffer->sync().ok());
  }
  const auto buffer = open(Buffering::memory, WhenFull::spill);
  const SharedBatch first = *buffer->take(Deadline::in(10s), {});
  ASSERT_TRUE(first);
  EXPECT_GT(number_of(first), 10);
}

// Does things on one thread that is not the test's.
class Giver {
 public:
  bool sync(BranchBuffer& buffer) {
    return done([&] { return buffer.sync().ok(); });
  }
  void put(BranchBuffer& buffer, int n) {
    EXPECT_TRUE(done([&] { return buffer.put(numbered(n), {}).ok(); }));
  }

 private:
  bool done(std::function<bool()> what) {
    std::packaged_task<bool()> task(std::move(what));
    auto answer = task.get_future();
    EXPECT_TRUE(tasks_.try_push(std::move(task)).ok());
    return answer.get();
  }
  Queue<std::packaged_task<bool()>> tasks_{{.items = 1}};
  std::jthread thread_{[this](const std::stop_token& stop) {
    while (auto task = tasks_.pop(Deadline::never(), stop)) (*task)();
  }};
};

TEST_F(BranchBufferTest, EveryGiverHearsOfALossOnce) {
  FakeFiles files;
  const auto buffer = *open_buffer(plan(Buffering::disk, WhenFull::block), files, "/buffer");
  Giver one;
  Giver other;
  one.put(*buffer, 1);
  other.put(*buffer, 2);
  files.fail_at_change(1, Error(ErrorKind::internal, "the disk is gone"));
  EXPECT_FALSE(one.sync(*buffer)) << "whose frames they were nobody knows";
  files.work_again();
  EXPECT_FALSE(other.sync(*buffer));
  EXPECT_TRUE(one.sync(*buffer));
  EXPECT_TRUE(other.sync(*buffer));
  // A write that fails takes what was appended before it, and not synced, with it.
  one.put(*buffer, 3);
  files.fail_at_change(1, Error(ErrorKind::internal, "the disk is gone"));
  EXPECT_FALSE(buffer->put(numbered(4), {}).ok());
  files.work_again();
  EXPECT_FALSE(other.sync(*buffer));
  EXPECT_FALSE(one.sync(*buffer));
  EXPECT_TRUE(one.sync(*buffer));
  EXPECT_TRUE(other.sync(*buffer));
}

TEST_F(BranchBufferTest, ManyPutOneTakes) {
  for (const WhenFull when_full : {WhenFull::block, WhenFull::spill}) {
    const auto buffer = open(Buffering::memory, when_full);
    std::vector<std::jthread> givers;
    for (int giver = 0; giver < 4; ++giver) {
      givers.emplace_back([&, giver] {
        for (int i = 0; i < 50; ++i)
          EXPECT_EQ(*buffer->put(numbered(giver * 1000 + i, 400'000), {}), 0U);
      });
    }
    std::map<int, int> last;
    for (int i = 0; i < 200; ++i) {
      const int n = number_of(*buffer->take(Deadline::in(20s), {}));
      EXPECT_EQ(n % 1000, last[n / 1000]++) << "of giver " << n / 1000;
      if (i % 10 == 0) {
        EXPECT_TRUE(buffer->forget().ok());
      }
    }
  }
}

}  // namespace
}  // namespace quern::pipeline
