// Records that no stage could process, kept with why until somebody sends them again: a bounded
// buffer a stage, of which the oldest go first.
#pragma once

#include "base/files.hpp"

#include "logs/batch.hpp"
#include "logs/segments.hpp"
#include "pipeline/set_aside.hpp"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>

namespace quern::pipeline {

// Of any thread.
class DeadLetters {
 public:
  // The folder is made with the first letter.
  DeadLetters(Files& files, std::filesystem::path folder, Bytes limit)
      : files_(files), folder_(std::move(folder)), limit_(limit) {}

  // So that held() tells of those of an earlier run.
  void open_if_there();
  // Lets go of the folder, until the next letter: others may look into it.
  void close();
  // On the disk when it answers ok.
  Result<> put(const logs::Batch& batch);
  // Gives all that are kept to `take`, oldest first, and forgets those it takes; how many records.
  // It ends with the first error of `take`. unavailable: another replay is under way.
  Result<std::uint64_t> replay(const TakeBatch& take);
  // What is kept on the disk.
  Bytes held() const;
  // Records pushed out by newer ones.
  std::uint64_t lost() const { return lost_; }

 private:
  Result<> open();

  Files& files_;
  const std::filesystem::path folder_;
  const Bytes limit_;
  mutable std::mutex mutex_;
  std::unique_ptr<logs::Segments> segments_;
  std::atomic<std::uint64_t> lost_{0};
};

}  // namespace quern::pipeline
