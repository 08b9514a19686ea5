// What an Insight is made of. One lock (core) for all that a line changes; the asker's and the
// actions' threads come back through answered() and the outbox.
#pragma once

#include "base/guarded.hpp"

#include "insight/actions.hpp"
#include "insight/asker.hpp"
#include "insight/insight.hpp"
#include "insight/learned.hpp"
#include "insight/options.hpp"
#include "insight/ring.hpp"
#include "insight/session_tracker.hpp"
#include "insight/verdict_cache.hpp"
#include "insight/window.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace quern::insight {

// What was found out about one record of a batch.
struct Look {
  mining::TemplateId id = mining::kRest;
  bool has_line = false;
  bool is_new = false;
  mining::Reasons reasons;
  mining::Severity severity = mining::Severity::info;
  About about = About::line;
  const std::string* rule = nullptr;    // that it breaks
  std::shared_ptr<const Kept> verdict;  // that holds for it
  // Of a question about it: none, one on its way, or the gate decides instead, and why.
  enum class Asked : std::uint8_t { no, on_its_way, spent, failed };
  Asked asked = Asked::no;
  std::size_t label_end = 0;  // in the batch's labels; the same as before: none

  bool anomaly(mining::Severity at_least) const;
};

// A question that has no answer yet.
struct Pending {
  enum class State : std::uint8_t { waits, asked, spent, failed };
  State state = State::waits;
  Case about;
  std::string session;                          // about a session: its name
  std::vector<mining::TemplateId> session_ids;  // and its lines
  std::uint32_t failures = 0;
  Clock::Time again{};  // failed: not before
};

// For the page.
struct Unusual {
  std::int64_t time = 0;
  mining::TemplateId id = mining::kRest;
  std::string line;  // printable, cut
  std::string why;
  std::optional<Verdict> verdict;
};

struct CoreFigures {
  std::uint64_t lines = 0;
  std::uint64_t lineless = 0;
  std::uint64_t passed_gate = 0;  // lines with a reason
  std::uint64_t calls = 0;        // of the model
  std::uint64_t failures = 0;     // calls without a verdict
  std::uint64_t hits = 0;         // lines that had a verdict when they came
  std::uint64_t unasked = 0;      // questions for which there was no room
  std::uint64_t spent = 0;        // lines that the gate decided about because the budget was spent
  std::uint64_t alarms = 0;       // lines that broke a rule
  std::uint64_t sampled_out = 0;
  std::uint64_t silenced = 0;
  std::uint64_t lost = 0;  // records of our own for which there was no room
  std::uint64_t sessions_broken = 0;
  std::uint64_t unsaved = 0;
};

struct Core {
  Learned known;
  mining::Gate gate;
  VerdictCache cache;
  Budget budget;
  SessionTracker sessions;
  std::map<Key, Pending> pending;
  Window window;
  Told told;
  std::unordered_map<mining::TemplateId, std::uint32_t> raw;  // shipped of each, since the start
  std::deque<std::vector<std::pair<mining::TemplateId, std::uint64_t>>> history;  // of windows
  std::deque<Unusual> unusual;
  logs::Batch outbox;
  logs::Batch
      alerts;  // of actions: audited as done once the next flush comes, so only a flush takes them
  std::uint64_t normal = 0;  // lines that a verdict calls normal, for sampling
  std::uint64_t erased = 0;  // ids that went and were followed
  CoreFigures figures;
};

inline constexpr std::size_t kMostPending = 1024;
inline constexpr std::size_t kMostUnusual = 100;
inline constexpr std::size_t kMostHistory = 60;
inline constexpr std::size_t kMostOutbox = 10'000;
inline constexpr Bytes kGateFile = 256_MiB;      // neither read nor written beyond
inline constexpr std::size_t kShownLine = 1024;  // bytes of a line in records of our own

// Rules for which an alert went out while there was no state, and when.
using Alarmed = std::map<std::string, Clock::Time, std::less<>>;

// What the file says, checked once.
struct InsightSetup {
  InsightOptions options;
  Rules rules;
  std::vector<ActionOptions> actions;
  std::shared_ptr<Judge> judge;
  logs::StageWorld world;
  std::atomic<std::uint64_t> bytes_in = 0;
  std::atomic<std::uint64_t> bytes_out = 0;
  std::atomic<std::uint64_t> unseen = 0;  // records that passed while the folder was another's
  Guarded<Alarmed> alarmed{};             // by rules, for such records
};

struct InsightParts {
  InsightParts(const InsightSetup& setup, Core c)
      : options(setup.options),
        rules(setup.rules),
        world(setup.world),
        core(std::move(c)),
        learned(world.files, world.name,
                [this](const auto& use) { core.with([&](Core& all) { use(all.known); }); }) {}
  ~InsightParts();
  InsightParts(const InsightParts&) = delete;
  InsightParts& operator=(const InsightParts&) = delete;

  static Result<std::shared_ptr<InsightParts>> open(const InsightSetup& setup);

  const InsightOptions& options;
  const Rules& rules;
  const logs::StageWorld& world;
  Guarded<Core> core;
  LearnedFile learned;                       // its lock is taken before core
  std::condition_variable_any answered_one;  // of core
  std::unique_ptr<Ring> ring;                // ship = "verdicts"
  std::unique_ptr<Actions> actions;
  std::unique_ptr<Asker> asker;  // ends first: it calls all of the above
  Guarded<int> saving;           // one at a time; taken before learned
  Guarded<int> looking;          // is_waited_for(), one at a time

  std::int64_t date() const {
    return std::chrono::floor<std::chrono::seconds>(world.clock.date().time_since_epoch()).count();
  }
};

// look.cpp: mines, gates and asks. `labels` gets each record's label.
std::vector<Look> look_at(InsightParts& parts, const logs::Batch& batch, Buffer& labels);
// Waits for the verdicts that the batch asked for, no longer than options.wait; not at all when one
// of its lines broke a rule.
void await_verdicts(InsightParts& parts, std::vector<Look>& looks, const std::stop_token& stop);
// Those of all questions that are on their way, as long: the input is at its end.
void await_all_verdicts(InsightParts& parts);

// questions.cpp, under core's lock: what waits goes to the model, as far as budget and queue allow.
Look::Asked want(InsightParts& parts, Core& core, Key key, const Case& about);
void ask_what_waits(InsightParts& parts, Core& core);
// Of the asker's thread.
void answered(InsightParts& parts, const Job& job, const Result<Said>& said);
void tell_verdict(InsightParts& parts, Core& core, Key key, const Kept& kept);

// ship.cpp
logs::Filtered ship(InsightParts& parts, const logs::Batch& batch, const std::vector<Look>& looks,
                    const Buffer& labels);
// Without state: the rules alone, one alert a rule and window.
logs::Filtered ship_unseen(InsightSetup& setup, const logs::Batch& batch);
// Under core's lock: a record of our own goes out with the next batch or flush.
void send(Core& core, const InsightParts& parts, std::string_view tag, ByteView record);
// With the next flush alone.
void send_with_flush(Core& core, const InsightParts& parts, std::string_view tag, ByteView record);
void remember(Core& core, Unusual unusual);

// snapshot.cpp: the pair "approvals" of a map.
void write_approvals(logs::msgpack::Writer& writer, const std::vector<Waiting>& waiting);

// upkeep.cpp: what is due every second.
enum class Upkeep : std::uint8_t { due, all };
void keep_up(InsightParts& parts, Upkeep how);
void save(InsightParts& parts, Upkeep how);

}  // namespace quern::insight
