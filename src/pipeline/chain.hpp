// The filters of a pipeline, in the order of the file.
#pragma once

#include "logs/stage.hpp"
#include "pipeline/counters.hpp"
#include "pipeline/dead_letters.hpp"
#include "pipeline/plan.hpp"
#include "pipeline/taps.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quern::pipeline {

// One filter and what is counted of it. Of any thread.
class FilterStage {
 public:
  struct Parts {
    std::string name;
    std::string type;
    std::vector<std::string> match;
    std::string canonical;
    std::unique_ptr<logs::StageWorld> world;  // the filter's
    std::unique_ptr<logs::Filter> filter;
    DeadLetters* dead = nullptr;  // null: what dies is only counted (tests of samples)
  };
  explicit FilterStage(Parts parts) : parts_(std::move(parts)) {}

  // The records that it wants go through, the others past it.
  logs::Batch run(logs::Batch batch, const std::stop_token& stop);
  logs::Batch flush(logs::Due due);

  const std::string& name() const { return parts_.name; }
  const std::string& type() const { return parts_.type; }
  const std::string& canonical() const { return parts_.canonical; }
  const Counters& counters() const { return counters_; }
  logs::Filter& filter() const { return *parts_.filter; }
  // When the oldest record came that waits in it.
  std::optional<Clock::Time> oldest_waiting() const {
    const std::optional<Clock::Time> oldest = parts_.filter->oldest_waiting();
    if (oldest) holds_ = true;
    return oldest;
  }
  // Was something ever seen to wait in it?
  bool holds() const { return holds_; }

 private:
  logs::Batch account(logs::Filtered filtered);
  logs::Batch without_giants(logs::Batch batch);

  Parts parts_;
  Counters counters_;
  mutable std::atomic<bool> holds_{false};
};

using Chain =
    std::vector<std::shared_ptr<FilterStage>>;  // shared with the chain that a reload makes

// Through all filters from the `first` on.
logs::Batch run_chain(const Chain& chain, std::size_t first, logs::Batch batch, Taps& taps,
                      const std::stop_token& stop);

}  // namespace quern::pipeline
