#include "base/guarded.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace quern {
namespace {

TEST(Guarded, CountsRightFromManyThreads) {
  Guarded<int> count(0);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 1000; ++n) ++*count.lock();
      });
    }
  }
  EXPECT_EQ(std::as_const(count).with([](const int& value) { return value; }), 4000);
}

TEST(Guarded, WithReturnsWhatItsFunctionReturns) {
  Guarded<std::vector<int>> values(std::size_t{3}, 7);
  EXPECT_EQ(values.with([](auto& v) {
    v.push_back(1);
    return v.size();
  }),
            4U);
}

}  // namespace
}  // namespace quern
