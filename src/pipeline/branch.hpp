// One output with its buffer and its thread: takes batches, delivers them, tries again, gives up.
#pragma once

#include "base/clock.hpp"

#include "logs/stage.hpp"
#include "pipeline/branch_buffer.hpp"
#include "pipeline/counters.hpp"
#include "pipeline/dead_letters.hpp"
#include "pipeline/plan.hpp"
#include "pipeline/taps.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace quern::pipeline {

// Of any thread; its own thread is `quern-output`.
class Branch {
 public:
  struct Parts {
    OutputPlan plan;
    std::unique_ptr<logs::Output> output;
    std::shared_ptr<BranchBuffer> buffer;  // shared with the branch that a change puts in its place
    DeadLetters& dead;
    Taps& taps;
    Clock& clock;
    std::unique_ptr<logs::StageWorld> world;  // the output's
    std::string ailment;                      // from the beginning
    std::function<void()> gone;               // whom it delivers to wants no more, ever
  };
  explicit Branch(Parts parts) : parts_(std::move(parts)), ailment_(parts_.ailment) {}

  void start();
  // The records of the batch that this branch wants. As BranchBuffer::put.
  Result<> put(const SharedBatch& batch, const std::stop_token& stop);
  Result<> sync() { return parts_.buffer->sync(); }
  // Nothing more goes in.
  void close() { parts_.buffer->close(); }
  // All that went in is delivered or dead.
  bool drained() const { return parts_.buffer->drained(); }
  // Ends the thread, also amid a delivery; the buffer stays as it is, with what was not delivered.
  std::shared_ptr<BranchBuffer> hand_over();
  // Likewise, and lets go of the buffer; what is on the disk is
  // delivered in another run.
  void stop();

  const OutputPlan& plan() const { return parts_.plan; }
  const std::string& name() const { return parts_.plan.stage.name; }
  const std::string& canonical() const { return parts_.plan.stage.canonical; }
  const Counters& counters() const { return counters_; }
  BufferFigures held() const { return parts_.buffer->figures(); }
  std::vector<logs::Figure> figures() const { return parts_.output->figures(); }
  // Why the last attempt failed; "" once one succeeds.
  std::string ailment() const;

 private:
  void run(const std::stop_token& stop);
  // cancelled: stopped before it was over.
  Result<> deliver(const logs::Batch& batch, const std::stop_token& stop);
  Result<> pause(std::uint64_t attempt, const std::stop_token& stop);
  void give_up(const logs::Batch& batch, const Error& why);
  void bury(const logs::Batch& dead);
  // Before what was delivered is forgotten.
  Result<> settle();

  Parts parts_;
  Counters counters_;
  Guarded<std::string> ailment_;
  std::jthread thread_;
};

}  // namespace quern::pipeline
