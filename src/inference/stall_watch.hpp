// Says in the log when a model's step does not end, so that a model that is held up by one request
// does not merely look dead.
#pragma once

#include "inference/scheduler.hpp"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace quern::inference {

class StallWatch {
 public:
  // A step that takes longer is told of, once.
  explicit StallWatch(std::chrono::milliseconds patience = std::chrono::seconds(5));
  ~StallWatch();
  StallWatch(const StallWatch&) = delete;
  StallWatch& operator=(const StallWatch&) = delete;

  void add(std::string model, std::shared_ptr<const Counters> counters);

 private:
  struct Watched {
    std::string model;
    std::shared_ptr<const Counters> counters;
    std::chrono::nanoseconds::rep told = 0;  // the begin of the step last told of
  };
  void run(const std::stop_token& stop);
  std::vector<std::string> look();

  const std::chrono::milliseconds patience_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Watched> watched_;
  std::jthread thread_;  // made with the first model
};

}  // namespace quern::inference
