#include "guestapi/lane.hpp"

#include <gtest/gtest.h>

#include <future>
#include <memory>

namespace quern::guestapi {
namespace {

// Returns when the lane has begun a job that ends with `hold`.
void occupy(Lane& lane, std::future<void> hold) {
  // Shared: the job may outlive this frame.
  const auto begun = std::make_shared<std::promise<void>>();
  const auto until = std::make_shared<std::future<void>>(std::move(hold));
  ASSERT_TRUE(lane.run([begun, until] {
                    begun->set_value();
                    until->wait();
                  })
                  .ok());
  begun->get_future().wait();
}

TEST(Lane, RunsJobsInOrderOnItsOwnThread) {
  Lane lane("test-lane", 10);
  std::vector<int> order;
  std::promise<std::thread::id> ran;
  ASSERT_TRUE(lane.run([&] { order.push_back(1); }).ok());
  ASSERT_TRUE(lane.run([&] {
                    order.push_back(2);
                    ran.set_value(std::this_thread::get_id());
                  })
                  .ok());
  EXPECT_NE(ran.get_future().get(), std::this_thread::get_id());
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(Lane, RefusesWhenTooManyWait) {
  std::promise<void> hold;
  Lane lane("test-lane", 1);
  occupy(lane, hold.get_future());
  EXPECT_TRUE(lane.run([] {}).ok());
  EXPECT_EQ(lane.run([] {}).error().kind(), ErrorKind::resource_exhausted);
  hold.set_value();
}

TEST(Lane, DropsWhatHasNotBegunWhenItEnds) {
  const auto token = std::make_shared<int>(0);
  {
    std::promise<void> hold;
    Lane lane("test-lane", 10);
    occupy(lane, hold.get_future());
    ASSERT_TRUE(lane.run([token] {}).ok());
    hold.set_value();
  }
  EXPECT_EQ(token.use_count(), 1);
}

TEST(Lane, ClosesWithoutWaitingForAJobThatDoesNotEnd) {
  std::promise<void> hold;
  Lane lane("test-lane", 10);
  occupy(lane, hold.get_future());
  EXPECT_FALSE(lane.close(Deadline::in(std::chrono::milliseconds(10))));
  EXPECT_EQ(lane.run([] {}).error().kind(), ErrorKind::unavailable);
  hold.set_value();
}

TEST(Lane, IsClosedAtOnceWhenNothingRuns) {
  Lane lane("test-lane", 10);
  EXPECT_TRUE(lane.close(Deadline::in(std::chrono::minutes(5))));
}

}  // namespace
}  // namespace quern::guestapi
