// Waiting for files to be written to: the system tells (inotify) where it can. That is no more than
// a reason to look sooner: of other machines' writes (NFS), of files without a watch, and of new
// names nothing is told.
#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

namespace quern::inputs {

// Of one thread.
class FileWatch {
 public:
  FileWatch();
  // These files and no others from now on; what cannot be watched is left out.
  void follow(const std::vector<std::string>& names);
  // Until one of them is written to (true), for at most so long, or until it is stopped
  // (cancelled). What was written since the last call counts, too.
  Result<bool> wait(std::chrono::milliseconds longest, const std::stop_token& stop);
  // Files that are watched.
  std::size_t size() const { return watched_.size(); }

 private:
  void drain();

  UniqueFd events_;  // none: this system tells nothing
  UniqueFd bell_;    // that a stop rings
  std::map<std::string, int> watched_;
};

}  // namespace quern::inputs
