// A level is a number of threads: all, all but one (a program that keeps one processor busy is the
// common case), then halves. Trouble at a level is a walk down, level by level: each is tried for
// three steps, and the best one is kept. From there the next higher level is looked at now and
// then.
//
// Costs are nanoseconds a token, compared within a class of batch sizes only: a piece of a prompt
// takes longer than a decode step, and suffers less from its barriers.
#include "inference/thread_governor.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <bit>

namespace quern::inference {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kRecent = 4;
constexpr std::size_t kTrial =
    3;  // steps of a level on the way down: one of them may be an outlier
constexpr std::size_t kProbe = 2;  // and on the way up, where each may be very slow
// Half the threads take at most twice as long, so below that there is little to be won.
constexpr double kTrouble = 2;
constexpr double kHopeless = 2;  // a level that takes so much longer than the best is not followed
// One step that lost more than all trials would: no second one is waited for. Where many programs
// share few processors a step of 8 ms can take 10 s.
constexpr double kDisaster = 64;
constexpr double kBetter = 0.8;  // less could be chance
// A trial whose class of steps does not come again ends undecided.
constexpr std::uint32_t kMostSteps = 12;
// Looks upwards may cost a step of half a second each, so they become rare; looks downwards are
// cheap.
constexpr auto kFirstWait = 500ms;
constexpr auto kLongestWait = 16s;
constexpr auto kLongestPause = 4s;
constexpr int kProbeShare = 8;       // a look upwards may take one part in so many of all time, but
constexpr auto kLongestShare = 64s;  // comes after this at the latest

bool clearly_better(double cost, double than) { return cost < kBetter * than; }

double cost_of(const ThreadGovernor::Step& step) {
  return static_cast<double>(step.wall.count()) / step.tokens;
}

std::vector<std::uint32_t> levels_of(std::uint32_t most) {
  std::vector<std::uint32_t> levels{most};
  if (most > 2) levels.push_back(most - 1);
  for (std::uint32_t n = most / 2; n > 0; n /= 2) {
    if (n < levels.back()) levels.push_back(n);
  }
  return levels;
}

}  // namespace

// The usual cost follows faster steps sooner than slower ones, and no step, however slow, raises it
// by more than a 32nd: trouble is noticed long before it has become usual. A level's first steps
// may be warm-up, so of them the fastest counts.
void ThreadGovernor::History::add(double cost) {
  constexpr std::uint32_t kYoung = 8;
  last_[next_] = cost;
  next_ = (next_ + 1) % kRecent;
  seen_ = std::min(seen_ + 1, kRecent);
  if (age_ == 0 || (age_ < kYoung && cost < usual_)) {
    usual_ = cost;
  } else if (cost < usual_) {
    usual_ -= (usual_ - cost) / 8;
  } else {
    usual_ += std::min(cost - usual_, usual_) / 32;
  }
  age_ = std::min(age_ + 1, kYoung);
}

double ThreadGovernor::History::recent() const {
  std::array<double, kRecent> sorted{};
  for (std::size_t i = 0; i < seen_; ++i) sorted[i] = last_[(next_ + kRecent - 1 - i) % kRecent];
  const auto end = sorted.begin() + static_cast<std::ptrdiff_t>(seen_);
  std::sort(sorted.begin(), end);
  return sorted[seen_ < 2 ? 0 : 1];
}

void ThreadGovernor::Patience::fruitless() {
  wait = std::clamp<Time>(2 * wait, kFirstWait, longest);
  passed = Time{};
}

ThreadGovernor::ThreadGovernor(std::uint32_t most)
    : levels_(levels_of(most)),
      histories_(levels_.size()),
      lower_{.longest = kLongestPause},
      higher_{.longest = kLongestWait} {
  CHECK(most > 0, "nobody computes");
}

void ThreadGovernor::took(const Step& step) {
  if (levels_.size() == 1 || step.tokens == 0) return;
  const auto kind = static_cast<std::size_t>(std::bit_width(step.tokens));
  const double cost = cost_of(step);
  here(kind).add(cost);
  starved_ =
      static_cast<std::uint8_t>((starved_ << 1 | (4 * step.ran < 3 * step.wall ? 1 : 0)) & 15);
  lower_.passed += step.wall;
  higher_.passed += step.wall;
  ++steps_;
  if (doing_ == Doing::settled) return look_around(kind, cost);
  if (kind == kind_) {
    return doing_ == Doing::descending ? descend(kind, cost) : probe(kind, step);
  }
  if (steps_ < kMostSteps) return;
  if (doing_ == Doing::descending) return end_descent();
  higher_.passed = Time{};
  settle(best_);
}

void ThreadGovernor::look_around(std::size_t kind, double cost) {
  const History& history = here(kind);
  const bool disaster = cost > kDisaster * history.usual();
  const bool known = history.seen() == kRecent;
  const bool trouble = disaster || (known && in_trouble(history));
  if (trouble && level_ + 1 < levels_.size() && lower_.over()) {
    climbing_ = false;
    leave_for(level_ + 1, kind, Doing::descending);
    if (disaster) best_cost_ = cost;
  } else if (known && level_ > 0 && (climbing_ || higher_.over())) {
    leave_for(level_ - 1, kind, Doing::probing);
  }
}

// Slower than usual; or, where nobody knows what is usual because others were there first, with all
// threads and without its processor for much of the time: on a quiet machine the thread that calls
// computes or spins until the step's end.
bool ThreadGovernor::in_trouble(const History& history) const {
  return history.recent() > kTrouble * history.usual() ||
         (level_ == 0 && std::popcount(starved_) >= 3);
}

void ThreadGovernor::leave_for(std::size_t level, std::size_t kind, Doing doing) {
  doing_ = doing;
  kind_ = kind;
  from_ = best_ = level_;
  best_cost_ = here(kind).recent();
  usual_cost_ = here(kind).usual();
  enter(level);
}

void ThreadGovernor::descend(std::size_t kind, double last) {
  if (here(kind).seen() < kTrial && last <= kDisaster * usual_cost_) return;
  const double cost = here(kind).recent();
  // Among others who want the processors a few threads less may help nothing, and one thread all.
  const bool starving = 2 * std::popcount(starved_) >= static_cast<int>(std::min(steps_, 4U));
  const bool hopeless = cost > kHopeless * best_cost_ && !starving;
  if (clearly_better(cost, best_cost_)) {
    best_ = level_;
    best_cost_ = cost;
  }
  if (hopeless || level_ + 1 == levels_.size()) return end_descent();
  enter(level_ + 1);
}

void ThreadGovernor::end_descent() {
  if (best_ == from_) {
    lower_.fruitless();
  } else {
    lower_.wait = Time{};
    // Back so soon after a climb: that climb was in vain.
    if (higher_.passed > kLongestWait) higher_.wait = Time{};
    higher_.fruitless();
  }
  settle(best_);
}

void ThreadGovernor::probe(std::size_t kind, const Step& step) {
  const bool hopeless = cost_of(step) > kHopeless * best_cost_;
  if (!hopeless && here(kind).seen() < kProbe) return;
  climbing_ = !hopeless && !clearly_better(best_cost_, here(kind).recent());
  if (climbing_) {
    higher_.passed = Time{};
    return settle(level_);
  }
  higher_.fruitless();
  higher_.wait = std::max(higher_.wait, std::min<Time>(kProbeShare * step.wall, kLongestShare));
  settle(best_);
}

void ThreadGovernor::enter(std::size_t level) {
  level_ = level;
  steps_ = 0;
  starved_ = 0;
  for (History& history : histories_[level]) history.forget_recent();
}

void ThreadGovernor::settle(std::size_t level) {
  doing_ = Doing::settled;
  enter(level);
}

}  // namespace quern::inference
