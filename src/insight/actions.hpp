// What follows from a verdict, as far as a person granted it.
//
// A proposal is looked at (granted? confident enough? not too many an hour?), waits for a person
// or not, and is done or only written down. Every step is a line of the audit, and what the audit
// cannot take is not done.
//
// The audit is what a later run goes by: proposals of the last hour count, and what was begun
// before a crash is not begun again when its verdict, which was not saved, is given once more. An
// alert whose record may not have left is sent again: it may come twice, but not never.
#pragma once

#include "base/guarded.hpp"
#include "base/queue.hpp"

#include "insight/action_options.hpp"
#include "insight/audit.hpp"
#include "insight/command.hpp"
#include "insight/insight.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace quern::insight {

struct Proposal {
  std::string action;
  mining::TemplateId id = mining::kRest;
  std::string text;  // of the template
  Verdict verdict;
  std::string question;  // that the verdict answers
};

// Templates that are silent or shipped whole, and until when.
using Until = std::map<mining::TemplateId, Clock::Time>;
struct Standing {
  Until silent;
  Until sampled;
};

struct ActionFigures {
  std::uint64_t proposed = 0;
  std::uint64_t refused = 0;  // not granted, not confident, too many
  std::uint64_t dry = 0;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
};

// Of any thread.
class Actions {
 public:
  using Alert = std::function<void(const Proposal&)>;

  // Reads those that waited when the program ended, and what the audit says of the last hour.
  static Result<std::unique_ptr<Actions>> create(std::vector<ActionOptions> options,
                                                 const logs::StageWorld& world, RunCommand run,
                                                 Alert alert);
  ~Actions();

  // An alert, silence or sampling is done when this returns; issues and playbooks are done by a
  // thread, one after the other.
  void propose(const Proposal& proposal);
  // Nothing is done any more once this returned: what still waited for the thread has failed. Of
  // one thread.
  void stop();
  // Said before what `alert` filled is taken: those alerts go with it, and those that went with
  // what was taken before have left, for who took it has passed it on and comes for more. Of one
  // thread.
  void hand_over();
  std::vector<Waiting> waiting() const;
  // Of both: what cannot be written down is not done, and waits as before.
  Result<> approve(std::uint64_t number, std::string_view who);
  Result<> deny(std::uint64_t number, std::string_view who);

  // What stands at this moment; null: nothing.
  std::shared_ptr<const Standing> standing() const;
  ActionFigures figures() const;

  static constexpr std::chrono::hours kHour{1};      // of per_hour
  static constexpr std::string_view kAuto = "auto";  // who approves where nobody is asked
  static constexpr std::size_t kMostWaiting = 256;
  static constexpr std::size_t kMostStanding = 4096;

 private:
  struct State {
    std::vector<Waiting> waiting;
    std::vector<Proposal> alerts;      // given to alert_
    std::vector<Proposal> on_the_way;  // handed over
    std::set<std::string> dealt_with;  // before the start: as deed_of() says
    std::uint64_t next = 1;
    std::map<std::string, std::deque<Clock::Time>, std::less<>> lately;  // proposals by action
    std::shared_ptr<const Standing> standing;
    ActionFigures figures;
    bool stopped = false;
  };
  struct Task {
    const ActionOptions* action = nullptr;
    Proposal proposal;
    std::string who;
  };

  Actions(std::vector<ActionOptions> options, const logs::StageWorld& world, RunCommand run,
          Alert alert);
  static std::string deed_of(std::string_view action, mining::TemplateId id,
                             std::string_view question);
  Result<> load();
  Result<> recall();
  void end_what_was_cut_off(const PastEvent& last);
  Result<> save();
  const ActionOptions* granted(std::string_view name) const;
  std::string why_not(const ActionOptions* action, const Proposal& proposal);
  Result<> ask_for_approval(const Proposal& proposal);
  Result<Proposal> decide(std::uint64_t number, std::string_view what, std::string_view who);
  void put_back(const Waiting& one);
  void carry_out(const ActionOptions& action, const Proposal& proposal, std::string_view who);
  Result<std::string> perform(const Task& task, const std::stop_token& stop);
  Result<std::string> open_issue(const Task& task, const std::stop_token& stop);
  Result<std::string> run_playbook(const Task& task, const std::stop_token& stop);
  std::string let_stand(const Task& task);
  Result<> note(std::string_view what, const ActionOptions* action, const Proposal& proposal,
                std::string_view who, std::string_view detail);
  void begin(const Task& task, const std::stop_token& stop);
  void ended(const Task& task);
  void run(const std::stop_token& stop);

  const std::vector<ActionOptions> options_;
  const logs::StageWorld world_;
  const RunCommand run_;
  const Alert alert_;
  Audit audit_;
  Guarded<State> state_;
  Guarded<int> deciding_;  // one asks, approves or denies at a time; taken before saving_
  Guarded<int> saving_;    // one at a time; taken before state_
  Queue<Task> tasks_;
  std::jthread thread_;
};

}  // namespace quern::insight
