// The model of an insight filter, loaded with its first question: checking a file loads nothing
// for it, and records flow while it loads.
#pragma once

#include "cli/pipe_guests.hpp"

#include "insight/insight.hpp"

#include <memory>
#include <string>

namespace quern::cli {

// One of [model]'s names. Called by the filter's one asking thread.
class LateJudge final : public insight::Judge {
 public:
  // `guests` outlives it.
  LateJudge(std::string model, PipeGuests& guests) : model_(std::move(model)), guests_(guests) {}
  std::string name() const override { return model_; }
  // unavailable: it is not loaded, or not yet; the next question tries again.
  Result<insight::Said> answer(const insight::Question& question, Deadline deadline,
                               const std::stop_token& stop) override;

 private:
  const std::string model_;
  PipeGuests& guests_;
  std::shared_ptr<insight::Judge> judge_;  // once it is loaded
};

}  // namespace quern::cli
