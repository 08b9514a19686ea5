// Sessions (a request, a block, a job: lines with one id) that are put together otherwise than
// those before.
//
//     SessionProfile usual;
//     usual.learn(templates_of_a_session);             // while all is well
//     for (const Break& b : usual.judge(session)) ...  // none: as always
#pragma once

#include "mining/mining.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quern::mining {

// What is unusual about a session: how often it has a template.
struct Break {
  enum class Kind : std::uint8_t {
    never_seen,   // no session had this template
    other_count,  // sessions had it, but not so often, or not so seldom
  };
  Kind kind = Kind::never_seen;
  TemplateId id = kRest;
  std::uint32_t count = 0;  // lines of it in this session; 0: all sessions before had some
};

// Keeps for each template how often it occurs in one session, and nothing of their order: processes
// that run side by side mix their lines as they like.
class SessionProfile {
 public:
  // Lines in any order, by ids as they are known at the end of the session (Miner::now()). Counts
  // beyond 16 are told apart by powers of two.
  void learn(std::span<const TemplateId> session);
  // By template; empty for a session as there were before. kRest is never a break.
  std::vector<Break> judge(std::span<const TemplateId> session) const;
  std::uint64_t sessions() const { return sessions_; }
  // Templates become part of others: what is known of a session goes on under the ids of now.
  template <class Now>
  void follow(Now now) {
    std::map<TemplateId, Counts> moved;
    for (const auto& [id, seen] : seen_) moved[now(id)] |= seen;
    moved.erase(kRest);
    seen_ = std::move(moved);
  }

  // docs/formats/templates.md. corrupt_data: a text that save() did not write.
  std::string save() const;
  static Result<SessionProfile> load(std::string_view state);

 private:
  using Counts = std::uint64_t;  // a bit for each count that was seen; bit 0: sessions without it
  std::map<TemplateId, Counts> seen_;
  std::uint64_t sessions_ = 0;
};

}  // namespace quern::mining
