#include "insight/session_tracker.hpp"

#include <utility>

namespace quern::insight {

void SessionTracker::add(std::string_view name, mining::TemplateId id, Clock::Time now) {
  const auto found = places_.find(name);
  if (found == places_.end()) {
    open_.push_back({.name = std::string(name), .last = now, .lines = {}});
    places_.emplace(open_.back().name, std::prev(open_.end()));
  } else {
    open_.splice(open_.end(), open_, found->second);
  }
  Open& session = open_.back();
  session.last = now;
  if (session.lines.size() < options_.lines) session.lines.push_back(id);
  if (open_.size() <= options_.open) return;
  places_.erase(open_.front().name);
  over_.splice(over_.end(), open_, open_.begin());
}

std::vector<BrokenSession> SessionTracker::ended(Clock::Time time, End end, const Now& now) {
  while (!open_.empty() && (end == End::all || time >= open_.front().last + options_.idle)) {
    places_.erase(open_.front().name);
    over_.splice(over_.end(), open_, open_.begin());
  }
  std::vector<BrokenSession> broken;
  if (!over_.empty()) profile_.follow(now);
  for (Open& session : over_) judge(std::move(session), now, broken);
  over_.clear();
  return broken;
}

void SessionTracker::judge(Open session, const Now& now, std::vector<BrokenSession>& broken) {
  for (mining::TemplateId& id : session.lines) id = now(id);
  if (profile_.sessions() < options_.to_learn) return profile_.learn(session.lines);
  std::vector<mining::Break> breaks = profile_.judge(session.lines);
  if (breaks.empty()) return profile_.learn(session.lines);
  broken.push_back({.name = std::move(session.name),
                    .lines = std::move(session.lines),
                    .breaks = std::move(breaks)});
}

}  // namespace quern::insight
