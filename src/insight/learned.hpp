// Templates that outlive the program: a Miner and its file.
//
// Ids in other files of the same folder (verdicts, the ring) lean on this one: it is written before
// they are, so that an id that was told is never given to another template.
#pragma once

#include "base/clock.hpp"
#include "base/files.hpp"
#include "base/result.hpp"

#include "mining/mining.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

namespace quern::insight {

// Of whoever locks it.
class Learned {
 public:
  // Takes the folder for itself: unavailable when somebody else has it.
  static Result<Learned> open(Files& files, const std::filesystem::path& folder,
                              mining::MinerOptions options);

  mining::Miner& miner() { return miner_; }
  const mining::Miner& miner() const { return miner_; }
  mining::Seen learn(std::string_view line);

  // What is to be written, when it is time: new templates at once, counts alone every `every`. The
  // caller writes it with write(), outside its lock.
  std::optional<std::string> due(Clock::Time now, std::chrono::milliseconds every);
  // Whatever was learned since the last time.
  std::optional<std::string> all(Clock::Time now);
  // A write failed: what it held is due again.
  void again() { changed_ = news_ = true; }
  const std::filesystem::path& file() const { return file_; }

 private:
  Learned(std::filesystem::path file, std::unique_ptr<FileLock> lock, mining::Miner miner)
      : file_(std::move(file)), lock_(std::move(lock)), miner_(std::move(miner)) {}

  std::filesystem::path file_;
  std::unique_ptr<FileLock> lock_;
  mining::Miner miner_;
  bool changed_ = false;
  bool news_ = false;  // templates that the file has not
  Clock::Time saved_{};
};

}  // namespace quern::insight
