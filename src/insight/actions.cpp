#include "insight/actions.hpp"

#include "base/log.hpp"
#include "base/process.hpp"
#include "base/text.hpp"

#include "insight/fields.hpp"
#include "insight/severity.hpp"
#include "insight/verdict.hpp"

#include <algorithm>
#include <utility>

namespace quern::insight {
namespace {

using Type = ActionOptions::Type;

constexpr std::size_t kMostTasks = 64;

// The text as it stands between the quotes of a JSON string.
std::string in_json(std::string_view text) {
  Buffer object;
  logs::msgpack::Writer(object).string(text);
  std::string json;
  (void)logs::msgpack::to_json(object, json);  // a string is always JSON
  return json.substr(1, json.size() - 2);
}

// Fills in what stands in braces. What was filled in is not looked at again.
std::string filled(std::string_view text, const std::map<std::string, std::string>& words) {
  std::string out;
  while (!text.empty()) {
    const std::size_t open = text.find('{');
    out += text.substr(0, open);
    if (open == std::string_view::npos) break;
    text.remove_prefix(open);
    const std::size_t close = text.find('}');
    const auto word = close == std::string_view::npos
                          ? words.end()
                          : words.find(std::string(text.substr(1, close - 1)));
    if (word == words.end()) {
      out.push_back('{');
      text.remove_prefix(1);
    } else {
      out += word->second;
      text.remove_prefix(close + 1);
    }
  }
  return out;
}

// Words of the configuration and numbers: nothing of a line.
std::map<std::string, std::string> safe_words(const Proposal& proposal, const std::string& stage) {
  return {{"id", std::to_string(proposal.id)},
          {"class", proposal.verdict.kind},
          {"severity", std::string(to_string(proposal.verdict.severity))},
          {"stage", stage}};
}

}  // namespace

Actions::Actions(std::vector<ActionOptions> options, const logs::StageWorld& world, RunCommand run,
                 Alert alert)
    : options_(std::move(options)),
      world_(world),
      run_(std::move(run)),
      alert_(std::move(alert)),
      audit_(world.files, world.clock, world.state / "audit.jsonl"),
      tasks_({.items = kMostTasks}) {}

Result<std::unique_ptr<Actions>> Actions::create(std::vector<ActionOptions> options,
                                                 const logs::StageWorld& world, RunCommand run,
                                                 Alert alert) {
  std::unique_ptr<Actions> actions(
      new Actions(std::move(options), world, std::move(run), std::move(alert)));
  TRY(actions->load());
  if (!actions->options_.empty()) {
    actions->thread_ =
        std::jthread([self = actions.get()](const std::stop_token& stop) { self->run(stop); });
  }
  return actions;
}

Actions::~Actions() { stop(); }

void Actions::stop() {
  state_.lock()->stopped = true;
  tasks_.close();
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  while (const Result<Task> task = tasks_.pop(Deadline::never(), {})) ended(*task);
}

void Actions::ended(const Task& task) {
  state_.with([](State& state) { ++state.figures.failed; });
  (void)note("failed", task.action, task.proposal, task.who, "the filter ended");  // nothing done
}

const ActionOptions* Actions::granted(std::string_view name) const {
  const auto found = std::find_if(options_.begin(), options_.end(),
                                  [&](const ActionOptions& one) { return one.name == name; });
  return found == options_.end() ? nullptr : &*found;
}

// Empty: it may be done.
std::string Actions::why_not(const ActionOptions* action, const Proposal& proposal) {
  if (action == nullptr) return "not granted";
  if (proposal.id == mining::kRest) return "it would be for every template that found no room";
  const bool only_less = action->type == Type::silence || action->type == Type::sample;
  if (!proposal.verdict.anomaly && !only_less) return "no anomaly";
  if (proposal.verdict.confidence < action->confidence) return "not confident enough";
  const Clock::Time now = world_.clock.now();
  return state_.with([&](State& state) -> std::string {
    if (state.dealt_with.erase(deed_of(action->name, proposal.id, proposal.question)) > 0) {
      return "it was dealt with before the program ended";
    }
    std::deque<Clock::Time>& lately = state.lately[action->name];
    while (!lately.empty() && now - lately.front() >= kHour) lately.pop_front();
    if (lately.size() >= action->per_hour) return "too many within an hour";
    lately.push_back(now);
    return "";
  });
}

void Actions::propose(const Proposal& proposal) {
  const ActionOptions* const action = granted(proposal.action);
  const std::string refusal = why_not(action, proposal);
  state_.with([&](State& state) {
    ++state.figures.proposed;
    if (!refusal.empty()) ++state.figures.refused;
  });
  if (!refusal.empty()) {
    (void)note("refused", action, proposal, "", refusal);  // nothing was done
    return;
  }
  if (action->approval == ActionOptions::Approval::automatic) {
    if (note("approved", action, proposal, kAuto, "").ok()) {
      carry_out(*action, proposal, kAuto);
    } else {
      state_.with([](State& state) { ++state.figures.failed; });
    }
    return;
  }
  const Result<> asked = ask_for_approval(proposal);
  if (!asked.ok()) (void)note("refused", action, proposal, "", asked.error().describe());
}

Result<> Actions::ask_for_approval(const Proposal& proposal) {
  const auto one_at_a_time = deciding_.lock();  // nobody answers before it is asked
  const auto since =
      std::chrono::floor<std::chrono::seconds>(world_.clock.date().time_since_epoch()).count();
  const std::uint64_t number = TRY(state_.with([&](State& state) -> Result<std::uint64_t> {
    const auto same = [&](const Waiting& other) {
      return other.action == proposal.action && other.id == proposal.id;
    };
    if (std::any_of(state.waiting.begin(), state.waiting.end(), same)) {
      return fail(ErrorKind::already_exists, "it waits already");
    }
    if (state.waiting.size() >= kMostWaiting) {
      return fail(ErrorKind::resource_exhausted, "256 wait already");
    }
    state.waiting.push_back({.number = state.next++,
                             .action = proposal.action,
                             .id = proposal.id,
                             .text = proposal.text,
                             .verdict = proposal.verdict,
                             .since = since,
                             .question = proposal.question});
    return state.waiting.back().number;
  }));
  Result<> asked = save();
  if (asked.ok()) asked = note("asked", granted(proposal.action), proposal, "", "");
  if (asked.ok()) return asked;
  // What is not written down waits for nobody.
  state_.with([&](State& state) {
    std::erase_if(state.waiting, [&](const Waiting& one) { return one.number == number; });
  });
  (void)save();  // the same disk; the next tells
  return asked;
}

std::vector<Waiting> Actions::waiting() const {
  return state_.with([](const State& state) { return state.waiting; });
}

// What was said about it could not be written: it waits as before.
void Actions::put_back(const Waiting& one) {
  state_.with([&](State& state) {
    const auto later =
        std::find_if(state.waiting.begin(), state.waiting.end(),
                     [&](const Waiting& other) { return other.number > one.number; });
    state.waiting.insert(later, one);
  });
  const Result<> saved = save();
  if (!saved.ok()) log::warn("insight", "approvals: " + saved.error().describe());
}

Result<> Actions::approve(std::uint64_t number, std::string_view who) {
  const Proposal proposal = TRY(decide(number, "approved", who));
  if (const ActionOptions* const action = granted(proposal.action)) {
    carry_out(*action, proposal, who);
    return {};
  }
  return fail(ErrorKind::not_found, "the action " + proposal.action + " is no longer configured");
}

Result<> Actions::deny(std::uint64_t number, std::string_view who) {
  (void)TRY(decide(number, "denied", who));
  return {};
}

// What was said is written down before it waits no longer: killed in between, it waits.
Result<Proposal> Actions::decide(std::uint64_t number, std::string_view what,
                                 std::string_view who) {
  const auto one_at_a_time = deciding_.lock();
  const std::vector<Waiting> all = waiting();
  const auto one = std::find_if(all.begin(), all.end(),
                                [&](const Waiting& each) { return each.number == number; });
  if (one == all.end()) {
    return fail(ErrorKind::not_found, "no action waits under number " + std::to_string(number));
  }
  const Proposal proposal{.action = one->action,
                          .id = one->id,
                          .text = one->text,
                          .verdict = one->verdict,
                          .question = one->question};
  const ActionOptions* const action = granted(one->action);
  TRY(note(what, action, proposal, who, ""));
  state_.with([&](State& state) {
    std::erase_if(state.waiting, [&](const Waiting& each) { return each.number == number; });
  });
  const Result<> saved = save();
  if (saved.ok()) return proposal;
  put_back(*one);
  (void)note("failed", action, proposal, who, saved.error().describe());  // it waits as before
  return fail(saved.error());
}

void Actions::carry_out(const ActionOptions& action, const Proposal& proposal,
                        std::string_view who) {
  if (action.run == ActionOptions::Run::dry) {
    state_.with([](State& state) { ++state.figures.dry; });
    (void)note("dry run", &action, proposal, who, "");  // nothing was done
    return;
  }
  Task task{&action, proposal, std::string(who)};
  // What takes no time waits for nothing that does.
  const bool slow = action.type == Type::issue || action.type == Type::playbook;
  if (state_.with([](const State& state) { return state.stopped; })) return ended(task);
  if (!slow) return begin(task, {});
  const Result<> taken = tasks_.try_push(std::move(task));
  if (taken.ok()) return;
  state_.with([](State& state) { ++state.figures.failed; });
  (void)note("failed", &action, proposal, who, taken.error().describe());  // nothing was done
}

void Actions::run(const std::stop_token& stop) {
  name_this_thread("quern-act");
  while (!stop.stop_requested()) {
    const Result<Task> task = tasks_.pop(Deadline::never(), stop);
    if (!task.ok()) return;
    if (stop.stop_requested()) return ended(*task);
    begin(*task, stop);
  }
}

void Actions::begin(const Task& task, const std::stop_token& stop) {
  const Result<> noted = note("begun", task.action, task.proposal, task.who, "");
  const Result<std::string> done =
      noted.ok() ? perform(task, stop) : Result<std::string>(fail(noted.error()));
  const bool alert = done.ok() && task.action->type == Type::alert;
  state_.with([&](State& state) {
    ++(done.ok() ? state.figures.done : state.figures.failed);
    if (alert) state.alerts.push_back(task.proposal);
  });
  if (alert) return;  // done once it has left: hand_over()
  (void)note(done.ok() ? "done" : "failed", task.action, task.proposal, task.who,
             done.ok() ? *done : done.error().describe());  // it is done, or is not
}

void Actions::hand_over() {
  const std::vector<Proposal> left = state_.with([](State& state) {
    return std::exchange(state.on_the_way, std::exchange(state.alerts, {}));
  });
  for (const Proposal& alert : left) {
    (void)note("done", granted(alert.action), alert, "", "");  // it is
  }
}

Result<std::string> Actions::perform(const Task& task, const std::stop_token& stop) {
  switch (task.action->type) {
    case Type::alert: alert_(task.proposal); return std::string();
    case Type::issue: return open_issue(task, stop);
    case Type::playbook: return run_playbook(task, stop);
    case Type::sample:
    case Type::silence: return let_stand(task);
  }
  return fail(ErrorKind::internal, "an action of no kind");
}

Result<std::string> Actions::open_issue(const Task& task, const std::stop_token& stop) {
  std::map<std::string, std::string> words = safe_words(task.proposal, world_.name);
  words["template"] = printable(task.proposal.text, 400);
  words["reason"] = task.proposal.verdict.reason;
  for (auto& [name, word] : words) word = in_json(word);
  std::string body = filled(task.action->body, words);
  SendRequest request{.method = "POST", .url = task.action->url, .body_bytes = body.size()};
  // On a connection of its own: one that was kept may take it twice.
  request.headers = {
      {"Content-Type", "application/json"}, {"User-Agent", "quern"}, {"Connection", "close"}};
  if (!task.action->authorization.empty()) {
    request.headers.emplace_back("Authorization", task.action->authorization);
  }
  request.body = [&body]() -> Result<Buffer> { return to_buffer(std::exchange(body, {})); };
  request.largest_answer = 1_MiB;
  const SendAnswer answer = TRY(world_.network.send(request, stop));
  if (answer.status < 200 || answer.status > 299) {
    return fail(ErrorKind::unavailable, task.action->url + " answered " +
                                            std::to_string(answer.status) + ": " +
                                            printable(answer.body, 200));
  }
  return "status " + std::to_string(answer.status);
}

Result<std::string> Actions::run_playbook(const Task& task, const std::stop_token& stop) {
  const auto words = safe_words(task.proposal, world_.name);
  std::vector<std::string> command = task.action->command;
  for (auto word = command.begin() + 1; word != command.end(); ++word) {
    const bool braced = word->size() > 2 && word->front() == '{' && word->back() == '}';
    const auto found = braced ? words.find(word->substr(1, word->size() - 2)) : words.end();
    if (found != words.end()) *word = found->second;
  }
  const int status = TRY(run_(command, task.action->time, stop));
  if (status != 0) {
    return fail(ErrorKind::unavailable, command[0] + " ended with " + std::to_string(status));
  }
  return std::string("status 0");
}

std::string Actions::let_stand(const Task& task) {
  const Clock::Time now = world_.clock.now();
  state_.with([&](State& state) {
    auto standing =
        state.standing ? std::make_shared<Standing>(*state.standing) : std::make_shared<Standing>();
    for (Until* until : {&standing->silent, &standing->sampled}) {
      std::erase_if(*until, [&](const auto& entry) { return entry.second <= now; });
    }
    Until& until = task.action->type == Type::silence ? standing->silent : standing->sampled;
    if (until.size() < kMostStanding) until[task.proposal.id] = now + task.action->lasts;
    state.standing = std::move(standing);
  });
  return std::to_string(std::chrono::floor<std::chrono::seconds>(task.action->lasts).count()) +
         " seconds";
}

std::shared_ptr<const Standing> Actions::standing() const {
  return state_.with([](const State& state) { return state.standing; });
}

ActionFigures Actions::figures() const {
  return state_.with([](const State& state) { return state.figures; });
}

Result<> Actions::note(std::string_view what, const ActionOptions* action, const Proposal& proposal,
                       std::string_view who, std::string_view detail) {
  const std::string verdict = to_json(proposal.verdict);
  const Result<> written =
      audit_.write({.what = what,
                    .action = action == nullptr ? std::string_view(proposal.action) : action->name,
                    .id = proposal.id,
                    .text = printable(proposal.text, 400),
                    .verdict = verdict,
                    .who = who,
                    .detail = detail,
                    .question = proposal.question});
  if (!written.ok()) log::warn("insight", "the audit: " + written.error().describe());
  return written;
}

}  // namespace quern::insight
