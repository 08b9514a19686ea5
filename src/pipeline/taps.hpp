// Looking at records as they pass: `quern pipe tap`. Costs one read of a number while nobody looks.
#pragma once

#include "base/guarded.hpp"
#include "base/queue.hpp"

#include "logs/batch.hpp"

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quern::pipeline {

// One who looks; of any thread. What comes faster than it is read is left out, and counted.
class Tap {
 public:
  explicit Tap(std::string stage) : stage_(std::move(stage)) {}
  const std::string& stage() const { return stage_; }
  // The next record as a line of JSON: {"tag", "time", "record"}.
  Result<std::string> next(Deadline deadline, const std::stop_token& stop) {
    return lines_.pop(deadline, stop);
  }
  std::uint64_t missed() const { return missed_; }

 private:
  friend class Taps;
  const std::string stage_;
  Queue<std::string> lines_{{.items = 1000, .bytes = 4_MiB}};
  std::atomic<std::uint64_t> missed_{0};
};

class Taps {
 public:
  // Until the last owner of it is gone. resource_exhausted: eight look already.
  Result<std::shared_ptr<Tap>> open(std::string stage);
  void offer(std::string_view stage, const logs::Batch& batch);

 private:
  std::atomic<std::size_t> open_{0};
  Guarded<std::vector<std::weak_ptr<Tap>>> taps_;
};

}  // namespace quern::pipeline
