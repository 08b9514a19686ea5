#include "inference/grammar_machine.hpp"

#include <algorithm>
#include <utility>

namespace quern::inference {
namespace {

using Kind = GrammarItem::Kind;

// Prices in looks at a frame. Measured in an optimized build: a look takes some nanoseconds, a
// frame that is found again some tens, one that is made some hundreds.
constexpr std::uint64_t kFrame = 8;
constexpr std::uint64_t kNewFrame = 128;
constexpr std::uint64_t kNewState = 256;

constexpr char32_t kAscii = 128;
// A state's table has an entry for each; with more classes no tables are made.
constexpr std::size_t kMostClasses = 1024;
constexpr GrammarMachine::State kUnknown = std::numeric_limits<GrammarMachine::State>::max();
// More different ways out of a state are found anew each time.
constexpr std::size_t kMostWays = 16;
// What tidy() lets lie: one or two megabytes, as a rule.
constexpr std::size_t kManyStates = 1024;
constexpr std::size_t kManyFrames = 16384;

std::size_t mix(std::size_t hash, std::size_t value) {
  return ((hash ^ value) * 0x9E3779B97F4A7C15ULL) ^ (hash >> 29U);
}

std::vector<char32_t> classes_of(const GrammarRules& rules) {
  std::vector<char32_t> begins = {0};
  const auto add = [&](CharRange range) {
    begins.push_back(range.first);
    begins.push_back(range.last + 1);
  };
  for (const GrammarItem& item : rules.items) {
    if (item.kind == Kind::letter) add({item.value, item.value});
  }
  for (const CharSet& set : rules.sets) std::for_each(set.ranges.begin(), set.ranges.end(), add);
  std::sort(begins.begin(), begins.end());
  begins.erase(std::unique(begins.begin(), begins.end()), begins.end());
  return begins;
}

bool is_token(const GrammarItem& item, Token token) {
  const bool same = item.value == static_cast<std::uint32_t>(token);
  return (item.kind == Kind::token && same) || (item.kind == Kind::other_token && !same);
}

}  // namespace

GrammarMachine::GrammarMachine(GrammarRules rules)
    : rules_(std::move(rules)), classes_(classes_of(rules_)), frames_(1), states_(1), seen_(1) {
  std::vector<std::uint32_t> ascii;
  for (char32_t letter = 0; letter < kAscii; ++letter) {
    ascii.push_back(static_cast<std::uint32_t>(class_of(letter)));
  }
  ascii_ = std::move(ascii);
}

bool GrammarMachine::pay(std::uint64_t work) {
  left_ -= std::min(left_, work);
  return left_ > 0;
}

GrammarMachine::State GrammarMachine::start() {
  todo_.clear();
  enter(rules_.root, 0);
  return settle();
}

GrammarMachine::State GrammarMachine::after(State state, char32_t letter) {
  if (state == kNowhere) return kNowhere;
  if (classes_.size() > kMostClasses) return find_way(state, letter);
  const std::size_t at = class_of(letter);
  if (states_[state].after.empty()) states_[state].after.assign(classes_.size(), kUnknown);
  if (states_[state].after[at] != kUnknown) return states_[state].after[at];
  const State to = find_way(state, letter);
  if (!exhausted()) states_[state].after[at] = to;
  return to;
}

std::size_t GrammarMachine::class_of(char32_t letter) const {
  if (letter < ascii_.size()) return ascii_[letter];
  const auto next = std::upper_bound(classes_.begin(), classes_.end(), letter);
  return static_cast<std::size_t>(next - classes_.begin()) - 1;
}

// Letters that the same frames take lead the same way.
GrammarMachine::State GrammarMachine::find_way(State state, char32_t letter) {
  std::vector<FrameId> fitting;
  if (!pay(states_[state].frames.size())) return kNowhere;
  for (const FrameId frame : states_[state].frames) {
    if (takes(item_of(frame), letter)) fitting.push_back(frame);
  }
  if (fitting.empty()) return kNowhere;
  for (const Way& way : states_[state].ways) {
    if (!pay(1 + fitting.size() / 8)) return kNowhere;
    if (way.fitting == fitting) return way.to;
  }
  todo_.clear();
  for (const FrameId frame : fitting) todo_.push_back(next(frame));
  const State to = settle();
  auto& ways = states_[state].ways;
  if (ways.size() < kMostWays && !exhausted()) ways.push_back({std::move(fitting), to});
  return to;
}

GrammarMachine::State GrammarMachine::after_token(State state, Token token) {
  if (!wants_token(state) || !pay(states_[state].frames.size())) return kNowhere;
  todo_.clear();
  const std::vector<FrameId> frames = states_[state].frames;
  for (const FrameId frame : frames) {
    if (is_token(item_of(frame), token)) todo_.push_back(next(frame));
  }
  return settle();
}

bool GrammarMachine::takes_token(State state, Token token) {
  if (!wants_token(state) || !pay(states_[state].frames.size())) return false;
  const auto& frames = states_[state].frames;
  return std::any_of(frames.begin(), frames.end(),
                     [&](FrameId frame) { return is_token(item_of(frame), token); });
}

GrammarMachine::State GrammarMachine::either(State a, State b) {
  if (a == kNowhere || a == b) return b;
  if (b == kNowhere) return a;
  if (!pay(states_[a].frames.size() + states_[b].frames.size())) return kNowhere;
  Place both;
  std::set_union(states_[a].frames.begin(), states_[a].frames.end(), states_[b].frames.begin(),
                 states_[b].frames.end(), std::back_inserter(both.frames));
  both.complete = complete(a) || complete(b);
  both.wants_token = wants_token(a) || wants_token(b);
  return keep(std::move(both));
}

bool GrammarMachine::takes_some(State state, CharRange range) {
  if (!pay(1 + states_[state].frames.size())) return false;
  const auto& frames = states_[state].frames;
  return std::any_of(frames.begin(), frames.end(), [&](FrameId frame) {
    const GrammarItem& item = item_of(frame);
    if (item.kind == Kind::set) return rules_.sets[item.value].meets(range);
    return item.kind == Kind::letter && range.first <= item.value && item.value <= range.last;
  });
}

bool GrammarMachine::takes(const GrammarItem& item, char32_t letter) const {
  if (item.kind == Kind::letter) return item.value == letter;
  return item.kind == Kind::set && rules_.sets[item.value].has(letter);
}

// A frame at the end of its alternative is the one that goes on, so lists that recurse on their
// right grow no stack.
GrammarMachine::FrameId GrammarMachine::intern(Frame frame) {
  if (rules_.items[frame.item].kind == Kind::end) return frame.parent;
  const std::size_t hash = hash_of(frame);
  const auto [begin, end] = frames_by_hash_.equal_range(hash);
  for (auto known = begin; known != end; ++known) {
    if (frames_[known->second] == frame) return known->second;
    if (!pay(1)) return 0;
  }
  if (!pay(kNewFrame)) return 0;
  const auto id = static_cast<FrameId>(frames_.size());
  frames_.push_back(frame);
  seen_.push_back(0);
  frames_by_hash_.emplace(hash, id);
  return id;
}

GrammarMachine::FrameId GrammarMachine::next(FrameId frame) {
  return intern({.item = frames_[frame].item + 1, .count = 0, .parent = frames_[frame].parent});
}

void GrammarMachine::enter(std::uint32_t rule, FrameId then) {
  for (const std::uint32_t at : rules_.rules[rule]) {
    todo_.push_back(intern({.item = at, .count = 0, .parent = then}));
  }
}

void GrammarMachine::expand(FrameId id) {
  const Frame frame = frames_[id];
  const GrammarItem& item = rules_.items[frame.item];
  if (item.kind == Kind::rule) return enter(item.value, next(id));
  if (frame.count >= item.least) todo_.push_back(next(id));
  if (frame.count >= item.most) return;
  // Without an end only the first ones are told apart.
  const std::uint32_t count = item.most == GrammarItem::kWithoutEnd
                                  ? std::min(frame.count + 1, item.least)
                                  : frame.count + 1;
  enter(item.value, intern({.item = frame.item, .count = count, .parent = frame.parent}));
}

GrammarMachine::State GrammarMachine::settle() {
  ++walk_;
  Place place;
  while (!todo_.empty()) {
    const FrameId frame = todo_.back();
    todo_.pop_back();
    if (!pay(kFrame)) return kNowhere;
    if (frame == 0) {
      place.complete = true;
      continue;
    }
    if (seen_[frame] == walk_) continue;
    seen_[frame] = walk_;
    const Kind kind = item_of(frame).kind;
    if (kind == Kind::rule || kind == Kind::repeat) {
      expand(frame);
      continue;
    }
    place.frames.push_back(frame);
    place.wants_token |= kind == Kind::token || kind == Kind::other_token;
  }
  if (exhausted()) return kNowhere;
  std::sort(place.frames.begin(), place.frames.end());
  return keep(std::move(place));
}

GrammarMachine::State GrammarMachine::keep(Place place) {
  if (place.frames.empty() && !place.complete) return kNowhere;
  const std::size_t hash = hash_of(place);
  const auto [begin, end] = states_by_hash_.equal_range(hash);
  for (auto known = begin; known != end; ++known) {
    const Place& same = states_[known->second];
    if (same.frames == place.frames && same.complete == place.complete) return known->second;
    if (!pay(1)) return kNowhere;
  }
  if (!pay(kNewState + place.frames.size())) return kNowhere;
  const auto id = static_cast<State>(states_.size());
  states_.push_back(std::move(place));
  states_by_hash_.emplace(hash, id);
  return id;
}

GrammarMachine::State GrammarMachine::tidy(State state) {
  if (states_.size() < kManyStates && frames_.size() < std::max(kManyFrames, 2 * kept_frames_)) {
    return state;
  }
  Place place;
  place.frames = std::move(states_[state].frames);
  place.complete = states_[state].complete;
  place.wants_token = states_[state].wants_token;
  const std::vector<FrameId> now = keep_only(place.frames);
  for (FrameId& frame : place.frames) frame = now[frame];  // their order stays
  states_.resize(1);
  states_by_hash_.clear();
  states_by_hash_.emplace(hash_of(place), State{1});
  states_.push_back(std::move(place));
  return 1;
}

// Drops all frames but these and those under them; returns the new number of each.
std::vector<GrammarMachine::FrameId> GrammarMachine::keep_only(const std::vector<FrameId>& frames) {
  const std::vector<Frame> old = std::exchange(frames_, std::vector<Frame>(1));
  // A frame's parent is always older than the frame.
  std::vector<bool> wanted(old.size(), false);
  for (const FrameId frame : frames) wanted[frame] = true;
  for (std::size_t i = old.size(); i-- > 1;) {
    if (wanted[i]) wanted[old[i].parent] = true;
  }
  frames_by_hash_.clear();
  std::vector<FrameId> now(old.size(), 0);
  for (std::size_t i = 1; i < old.size(); ++i) {
    if (!wanted[i]) continue;
    now[i] = static_cast<FrameId>(frames_.size());
    frames_.push_back({.item = old[i].item, .count = old[i].count, .parent = now[old[i].parent]});
    frames_by_hash_.emplace(hash_of(frames_.back()), now[i]);
  }
  seen_.assign(frames_.size(), 0);
  kept_frames_ = frames_.size();
  return now;
}

std::size_t GrammarMachine::hash_of(const Frame& frame) {
  return mix(mix(frame.item, frame.count), frame.parent);
}

std::size_t GrammarMachine::hash_of(const Place& place) {
  std::size_t hash = place.complete ? 1 : 2;
  for (const FrameId frame : place.frames) hash = mix(hash, frame);
  return hash;
}

}  // namespace quern::inference
