// What was done, and who said so: lines of JSON that are only ever added.
#pragma once

#include "base/clock.hpp"
#include "base/files.hpp"
#include "base/guarded.hpp"

#include "insight/insight.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quern::insight {

// One line.
struct Event {
  std::string_view what;  // "asked", "approved", "denied", "dry run", "begun", "done", ...
  std::string_view action;
  mining::TemplateId id = mining::kRest;
  std::string_view text;     // of the template
  std::string_view verdict;  // JSON
  std::string_view who;      // a person, or "auto"
  std::string_view detail;
  std::string_view question;  // what was asked about the template, and under which policy
};

// One that was read back.
struct PastEvent {
  std::int64_t time = 0;  // seconds since 1970
  std::string what;
  std::string action;
  mining::TemplateId id = mining::kRest;
  std::string text;
  Buffer verdict;  // a map; empty: none
  std::string who;
  std::string question;
};

// Of any thread.
class Audit {
 public:
  Audit(Files& files, Clock& clock, std::filesystem::path file)
      : files_(files), clock_(clock), file_(std::move(file)) {}
  // Returns when it is on the disk. What cannot be written down must not be done.
  Result<> write(const Event& event);
  // Those of the last `span` before the newest, the oldest first. What is no line of an audit, as
  // the one on which the program was killed, is passed over.
  Result<std::vector<PastEvent>> last(std::chrono::seconds span);

  // A file this large becomes FILE.1, and what was that before is gone.
  static constexpr Bytes kLargest = 64_MiB;

 private:
  struct Open {
    std::unique_ptr<FileWriter> writer;
    std::uint64_t size = 0;
  };
  Result<> open(Open& open);
  std::filesystem::path before() const { return file_.string() + ".1"; }

  Files& files_;
  Clock& clock_;
  const std::filesystem::path file_;
  Guarded<Open> open_;
};

}  // namespace quern::insight
