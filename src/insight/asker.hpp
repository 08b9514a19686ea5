// Questions on their way to the model: a bounded queue and the one thread that asks.
#pragma once

#include "base/queue.hpp"

#include "insight/insight.hpp"
#include "insight/verdict_cache.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

namespace quern::insight {

struct Job {
  enum class Kind : std::uint8_t { verdict, summary };
  Kind kind = Kind::verdict;
  Key key;
  Question question;
  std::uint64_t taken = 0;  // tokens of the budget
  std::int64_t from = 0;    // of the window that is summed up, seconds since 1970
};

class Asker {
 public:
  // Both are called by the asker's thread.
  struct Listener {
    std::function<void()> begins;  // before the model is asked
    std::function<void(const Job&, const Result<Said>&)> answered;
  };
  // No judge: every ask() is unavailable.
  Asker(std::shared_ptr<Judge> judge, std::size_t queue, std::chrono::milliseconds deadline,
        Listener listener);
  ~Asker();

  bool there() const { return judge_ != nullptr; }
  // resource_exhausted: the queue is full.
  Result<> ask(Job job);
  // The listener is not called any more once this returned. Of one thread.
  void stop();

 private:
  void run(const std::stop_token& stop);

  const std::shared_ptr<Judge> judge_;
  const std::chrono::milliseconds deadline_;
  const Listener listener_;
  Queue<Job> jobs_;
  std::jthread thread_;
};

}  // namespace quern::insight
