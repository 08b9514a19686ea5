// What of actions outlives the program: those that wait for a person, and what the audit says of
// the last hour.
#include "insight/actions.hpp"
#include "insight/fields.hpp"
#include "insight/severity.hpp"
#include "insight/verdict.hpp"

#include <algorithm>
#include <utility>

namespace quern::insight {
namespace {

// As it was written, whatever is configured now.
Verdict verdict_of(ByteView map) {
  return {.anomaly = flag_field(map, "anomaly").value_or(false),
          .kind = text_or_empty(map, "class"),
          .severity = severity_named(text_or_empty(map, "severity")).value_or(Verdict().severity),
          .confidence = number_field(map, "confidence").value_or(0),
          .reason = text_or_empty(map, "reason"),
          .action = text_or_empty(map, "action")};
}

}  // namespace

Result<> Actions::load() {
  TRY(read_json_lines(world_.files, world_.state / "approvals.json", [&](ByteView map) -> Result<> {
    const auto id = natural_field(map, "template");
    if (!id || *id > UINT32_MAX || !severity_named(text_or_empty(map, "severity"))) {
      return fail(ErrorKind::corrupt_data, "this is no action that waits");
    }
    if (*id == mining::kRest) return {};
    const Waiting one{.number = natural_field(map, "number").value_or(0),
                      .action = text_or_empty(map, "name"),
                      .id = static_cast<mining::TemplateId>(*id),
                      .text = text_or_empty(map, "text"),
                      .verdict = verdict_of(map),
                      .since = static_cast<std::int64_t>(natural_field(map, "since").value_or(0)),
                      .question = text_or_empty(map, "question")};
    state_.with([&](State& state) {
      if (state.waiting.size() < kMostWaiting) state.waiting.push_back(one);
      state.next = std::max(state.next, one.number + 1);
    });
    return {};
  }));
  return recall();
}

// Of the last hour before the last event, whenever that was: what was begun then may have a verdict
// that was not saved.
Result<> Actions::recall() {
  const Clock::Time now = world_.clock.now();
  const auto date =
      std::chrono::floor<std::chrono::seconds>(world_.clock.date().time_since_epoch());
  std::map<Deed, PastEvent> cut_off;  // approved or begun
  for (PastEvent& event : TRY(audit_.last(kHour))) {
    const Deed deed{event.action, event.id, event.question};
    const bool approved = event.what == "approved";
    const bool begun = event.what == "begun";
    const bool asked = event.what == "asked";
    if (event.what == "refused") continue;
    state_.with([&](State& state) {
      const auto age = std::max(date - std::chrono::seconds(event.time), std::chrono::seconds(0));
      if ((asked || (approved && event.who == kAuto)) && age < kHour) {
        state.lately[event.action].push_back(now - age);
      }
      if (asked || begun || event.what == "dry run") state.dealt_with.insert(deed);
    });
    if (approved || begun) {
      cut_off[deed] = std::move(event);
    } else {
      cut_off.erase(deed);
    }
  }
  for (const auto& [deed, event] : cut_off) end_what_was_cut_off(event);
  return {};
}

void Actions::end_what_was_cut_off(const PastEvent& last) {
  const ActionOptions* const action = granted(last.action);
  Proposal proposal{.action = last.action,
                    .id = last.id,
                    .text = last.text,
                    .verdict = verdict_of(last.verdict),
                    .question = last.question};
  if (last.what == "approved") {
    const std::vector<Waiting> all = waiting();
    const bool waits = std::any_of(all.begin(), all.end(), [&](const Waiting& one) {
      return one.action == last.action && one.id == last.id;
    });
    if (waits) return;
  }
  if (action != nullptr && action->type == ActionOptions::Type::alert &&
      action->run == ActionOptions::Run::real) {
    return begin({action, std::move(proposal), last.who}, {});
  }
  state_.with([](State& state) { ++state.figures.failed; });
  // The next start finds it cut off again.
  (void)note("failed", action, proposal, last.who,
             last.what == "begun" ? "the program ended before it was over; it is not begun again"
                                  : "the program ended before it began");
}

Result<> Actions::save() {
  const auto one_at_a_time = saving_.lock();
  std::string text;
  for (const Waiting& one : waiting()) {
    Buffer map;
    logs::msgpack::Writer writer(map);
    writer.map(kVerdictPairs + 6);
    writer.string("number");
    writer.natural(one.number);
    writer.string("name");
    writer.string(one.action);
    writer.string("template");
    writer.natural(one.id);
    writer.string("text");
    writer.string(one.text);
    writer.string("since");
    writer.integer(one.since);
    writer.string("question");
    writer.string(one.question);
    write_pairs(one.verdict, writer);
    add_json_line(map, text);
  }
  return world_.files.write(world_.state / "approvals.json", as_bytes(text));
}

}  // namespace quern::insight
