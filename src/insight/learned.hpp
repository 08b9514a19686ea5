// Templates that outlive the program: a Miner and its file.
//
// Ids in other files of the same folder (verdicts, the ring) and in records that went lean on this
// one, so an id is never given to another template, whenever the program is killed:
//
//   - ids are given below a number that stands in the file, synced, before the first of them is;
//   - what a batch taught stands behind the file before one of the batch's records goes on, so that
//     after a crash each id is that of the template it was. It is not synced: after a loss of power
//     a template may be learned anew, under a new id.
#pragma once

#include "base/clock.hpp"
#include "base/files.hpp"
#include "base/guarded.hpp"
#include "base/result.hpp"

#include "mining/mining.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

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
  const std::filesystem::path& file() const { return file_; }

 private:
  friend class LearnedFile;
  Learned(std::filesystem::path file, std::unique_ptr<FileLock> lock, mining::Miner miner)
      : file_(std::move(file)),
        lock_(std::move(lock)),
        miner_(std::move(miner)),
        end_(miner_.next()) {
    miner_.allow(end_);
  }

  std::filesystem::path file_;
  std::unique_ptr<FileLock> lock_;
  mining::Miner miner_;
  mining::TemplateId end_;  // of what the file allows
  bool changed_ = false;    // since the whole file was written; counts too
  bool noting_ = false;     // what was taken from the miner is being written
};

// Writes what is Learned, one thing after the other. Of any thread; its lock is taken before that
// of the Learned.
class LearnedFile {
 public:
  // Runs what it is given on the Learned, under its lock.
  using Locked = std::function<void(const std::function<void(Learned&)>&)>;

  // `name`: of the stage, for the log.
  LearnedFile(Files& files, std::string name, Locked known)
      : files_(files), name_(std::move(name)), known_(std::move(known)) {}

  // Before so many lines are learned: ids for all of them. Where the disk does not take it, what is
  // new is counted under kRest until it does.
  void reserve(std::size_t lines);
  // Behind them, before their ids are told to anybody.
  void note();
  // The whole file, and true: every `every`, when much was noted behind it, and after an error,
  // which is told once; the others do not try before that. It fails at once until the pause behind
  // an error is over: a second at first, at most `every`.
  enum class When : std::uint8_t { due, last };
  Result<bool> save(When when, Clock::Time time, std::chrono::milliseconds every);
  // All that was learned is on the disk.
  Result<> sync();
  // Writes that failed.
  std::uint64_t unsaved() const { return unsaved_; }

 private:
  struct Open {
    std::unique_ptr<FileWriter> writer;  // behind the whole file; null: that is to be written first
    std::uint64_t noted = 0;             // bytes behind it
    bool unsynced = false;
    bool failed = false;
    Clock::Time saved{};
    Clock::Time again{};  // failed: not before
    std::chrono::milliseconds pause{0};
  };
  Result<> write_whole(Open& open, When when, mining::TemplateId end);
  Result<> append(Open& open, const std::string& text);
  Result<> try_reserve(std::size_t lines);
  Result<> note(Open& open);
  Result<> sync(Open& open);
  Result<bool> try_save(Open& open, When when, Clock::Time time, std::chrono::milliseconds every);
  void tell(const Error& error);
  template <class Use>
  auto ask(Use use);

  Files& files_;
  const std::string name_;
  const Locked known_;
  Guarded<Open> open_;
  std::atomic<std::uint64_t> unsaved_ = 0;
  std::atomic<bool> told_ = false;  // that it cannot be written
};

}  // namespace quern::insight
