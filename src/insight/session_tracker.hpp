// Sessions under way, and the profile of those that are over.
#pragma once

#include "base/clock.hpp"

#include "mining/sessions.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace quern::insight {

struct SessionOptions {
  std::chrono::milliseconds idle{60'000};  // without a line a session is over
  std::uint64_t to_learn = 1000;           // sessions, before one can be unusual
  std::size_t open = 10'000;               // at a time; beyond, the one idle longest is over
  std::size_t lines = 4096;                // of one session that are counted
};

// One that was unlike those before.
struct BrokenSession {
  std::string name;
  std::vector<mining::TemplateId> lines;
  std::vector<mining::Break> breaks;
};

// Of whoever locks it.
class SessionTracker {
 public:
  using Now = std::function<mining::TemplateId(mining::TemplateId)>;

  SessionTracker(SessionOptions options, mining::SessionProfile profile)
      : options_(options), profile_(std::move(profile)) {}

  void add(std::string_view name, mining::TemplateId id, Clock::Time now);
  // Those that are over since the last call and broken; the others were learned. `all`: every one
  // is over.
  enum class End : std::uint8_t { idle, all };
  std::vector<BrokenSession> ended(Clock::Time time, End end, const Now& now);
  // It was no anomaly after all.
  void learn(const std::vector<mining::TemplateId>& lines) { profile_.learn(lines); }

  const mining::SessionProfile& profile() const { return profile_; }
  std::size_t open() const { return open_.size(); }

 private:
  struct Open {
    std::string name;
    Clock::Time last;
    std::vector<mining::TemplateId> lines;
  };
  void judge(Open session, const Now& now, std::vector<BrokenSession>& broken);

  SessionOptions options_;
  mining::SessionProfile profile_;
  std::list<Open> open_;  // the one idle longest first
  std::unordered_map<std::string_view, std::list<Open>::iterator> places_;  // keys live in open_
  std::list<Open> over_;                                                    // pushed out
};

}  // namespace quern::insight
