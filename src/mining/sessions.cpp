// Counts, not sequences: what runs side by side mixes its lines. What that reaches on sessions of
// the Hadoop file system (the HDFS log of Xu et al., SOSP 2009): bench/sessions.py.
#include "mining/sessions.hpp"

#include "base/text.hpp"

#include <bit>

namespace quern::mining {
namespace {

constexpr std::uint32_t kExact = 16;
constexpr std::string_view kMagic = "quern-sessions 1";

std::uint64_t bit_of(std::uint32_t count) {
  if (count <= kExact) return std::uint64_t{1} << count;
  // 17 to 31, 32 to 63, ...: one bit each, up to all that 32 bits can count.
  return std::uint64_t{1} << (kExact + static_cast<std::uint32_t>(std::bit_width(count)) - 4);
}

std::map<TemplateId, std::uint32_t> counts_of(std::span<const TemplateId> session) {
  std::map<TemplateId, std::uint32_t> counts;
  for (const TemplateId id : session) ++counts[id];
  counts.erase(kRest);
  return counts;
}

}  // namespace

void SessionProfile::learn(std::span<const TemplateId> session) {
  const auto counts = counts_of(session);
  for (auto& [id, seen] : seen_) {
    if (!counts.contains(id)) seen |= bit_of(0);
  }
  for (const auto& [id, count] : counts) {
    const auto [known, is_new] = seen_.try_emplace(id, 0);
    if (is_new && sessions_ > 0) known->second |= bit_of(0);
    known->second |= bit_of(count);
  }
  ++sessions_;
}

std::vector<Break> SessionProfile::judge(std::span<const TemplateId> session) const {
  const auto counts = counts_of(session);
  std::vector<Break> breaks;
  for (const auto& [id, seen] : seen_) {
    if ((seen & bit_of(0)) == 0 && !counts.contains(id)) {
      breaks.push_back({.kind = Break::Kind::other_count, .id = id, .count = 0});
    }
  }
  for (const auto& [id, count] : counts) {
    const auto known = seen_.find(id);
    if (known == seen_.end()) {
      breaks.push_back({.kind = Break::Kind::never_seen, .id = id, .count = count});
    } else if ((known->second & bit_of(count)) == 0) {
      breaks.push_back({.kind = Break::Kind::other_count, .id = id, .count = count});
    }
  }
  return breaks;
}

std::string SessionProfile::save() const {
  std::string out(kMagic);
  out += "\nsessions " + std::to_string(sessions_) + "\n";
  for (const auto& [id, seen] : seen_) {
    out += "seen " + std::to_string(id) + " " + std::to_string(seen) + "\n";
  }
  return out;
}

Result<SessionProfile> SessionProfile::load(std::string_view state) {
  const auto broken = [](std::string_view line) {
    return fail(ErrorKind::corrupt_data,
                "a line of the saved sessions is none of theirs: \"" + printable(line, 80) + "\"");
  };
  SessionProfile profile;
  bool first = true;
  for (const std::string_view line : split(state, '\n')) {
    const std::vector<std::string_view> fields = split(line, ' ');
    if (first) {
      if (line != kMagic) return broken(line);
      first = false;
    } else if (fields[0] == "sessions" && fields.size() == 2) {
      profile.sessions_ = TRY(parse_number<std::uint64_t>(fields[1]));
    } else if (fields[0] == "seen" && fields.size() == 3) {
      const auto id = TRY(parse_number<TemplateId>(fields[1]));
      profile.seen_[id] = TRY(parse_number<Counts>(fields[2]));
    } else if (!line.empty()) {
      return broken(line);
    }
  }
  return profile;
}

}  // namespace quern::mining
