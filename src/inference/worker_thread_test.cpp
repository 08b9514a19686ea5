#include "inference/worker_thread.hpp"

#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>

namespace quern::inference {
namespace {

using Next = WorkerThread::Next;

// A worker whose thread is held up until every task of a test is posted.
class Worker : public testing::Test {
 protected:
  void SetUp() override {
    worker.emplace("quern-test");
    worker->post("", [opened = gate.get_future().share()](const std::stop_token&) {
      opened.wait();
      return Next::done;
    });
  }
  // A task that writes its name once for each of its pieces.
  void post(const std::string& tenant, char name, int pieces = 1) {
    ++tasks_left;
    worker->post(tenant, [this, name, left = pieces](const std::stop_token& stop) mutable {
      written += stop.stop_requested() ? '!' : name;
      if (--left > 0 && !stop.stop_requested()) return Next::again;
      if (--tasks_left == 0) all_done.set_value();
      return Next::done;
    });
  }
  std::string order() {
    gate.set_value();
    all_done.get_future().wait();
    return written;
  }

  std::promise<void> gate;
  std::promise<void> all_done;
  std::atomic<int> tasks_left = 0;
  std::string written;
  std::optional<WorkerThread> worker;
};

TEST_F(Worker, OneTenantsTasksGoInOrder) {
  for (const char name : {'a', 'b', 'c'}) post("t", name);
  EXPECT_EQ(order(), "abc");
}

TEST_F(Worker, TenantsTakeTurns) {
  for (const char name : {'a', 'b', 'c'}) post("busy", name);
  post("quiet", 'x');
  EXPECT_EQ(order(), "axbc");
}

TEST_F(Worker, ALongTaskLetsOthersInAfterEachPiece) {
  post("t", 'a', 4);
  post("t", 'b');
  post("u", 'x', 2);
  EXPECT_EQ(order(), "axbxaaa");
}

TEST_F(Worker, TheEndAsksEveryTaskOnceMore) {
  post("t", 'a', 100);
  post("u", 'x', 100);
  std::thread opener([this] { gate.set_value(); });
  // The end may begin before the first piece or after any.
  worker.reset();
  opener.join();
  EXPECT_EQ(tasks_left, 0);
  EXPECT_EQ(std::count(written.begin(), written.end(), '!'), written.size() == 200 ? 0 : 2);
}

TEST_F(Worker, TheThreadHasItsName) {
  std::promise<std::string> name;
  worker->post("t", [&](const std::stop_token&) {
    std::array<char, 16> text{};
    pthread_getname_np(pthread_self(), text.data(), text.size());
    name.set_value(text.data());
    return Next::done;
  });
  gate.set_value();
  EXPECT_EQ(name.get_future().get(), "quern-test");
}

}  // namespace
}  // namespace quern::inference
