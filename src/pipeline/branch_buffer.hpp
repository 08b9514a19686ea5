// What stands between the inputs and one output: batches in memory or on the disk, in order,
// bounded in bytes.
#pragma once

#include "base/deadline.hpp"
#include "base/files.hpp"

#include "logs/batch.hpp"
#include "pipeline/plan.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>

namespace quern::pipeline {

using SharedBatch = std::shared_ptr<const logs::Batch>;  // one batch may go into several branches

struct BufferFigures {
  Bytes held{};
  Bytes torn{};  // that a crash or a damaged disk took
};

// Any number of threads put and sync, one takes.
class BranchBuffer {
 public:
  virtual ~BranchBuffer() = default;
  // The records that found no place and were dropped, by policy. Blocks where the policy says so:
  // cancelled when stopped, unavailable after close(). What the disk says.
  virtual Result<std::uint64_t> put(const SharedBatch& batch, const std::stop_token& stop) = 0;
  // What was put before is on the disk (nothing to do in memory).
  virtual Result<> sync() = 0;
  // The oldest that was not taken; nothing when there is none until the deadline. cancelled.
  virtual Result<SharedBatch> take(Deadline deadline, const std::stop_token& stop) = 0;
  // What was taken last was not delivered: whoever has this buffer next takes it again.
  virtual void untake(SharedBatch batch) = 0;
  // All that was taken needs not be kept any more.
  virtual Result<> forget() = 0;
  // A take() found nothing, and nothing was put since: all that was taken before is dealt with,
  // too.
  virtual bool drained() const = 0;
  virtual BufferFigures figures() const = 0;
  // Nothing more goes in: those who wait to put get unavailable.
  virtual void close() = 0;
  // After close(), once nobody takes any more: lets go of its files, synced.
  virtual void release() = 0;
};

// `folder`: of what lies on the disk.
Result<std::unique_ptr<BranchBuffer>> open_buffer(const OutputPlan& plan, Files& files,
                                                  const std::filesystem::path& folder);

// Answers `why` to everybody.
std::unique_ptr<BranchBuffer> make_broken_buffer(Error why);

}  // namespace quern::pipeline
