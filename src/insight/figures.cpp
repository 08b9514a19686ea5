#include "insight/insight_shell.hpp"
#include "insight/templates_filter.hpp"

#include <iterator>

namespace quern::insight {

std::vector<logs::Figure> Insight::figures() const {
  std::vector<logs::Figure> all;
  const auto put = [&](const char* name, auto value, const char* label = nullptr,
                       const char* word = "") {
    logs::Figure figure{.name = name, .value = static_cast<double>(value)};
    if (label != nullptr) figure.labels = {{label, word}};
    all.push_back(std::move(figure));
  };
  put("bytes_in_total", shell_->setup.bytes_in.load());
  put("bytes_out_total", shell_->setup.bytes_out.load());
  put("unseen_total", shell_->setup.unseen.load());
  const auto parts = shell_->state.now();
  if (!parts) return all;
  parts->core.with([&](const Core& core) {
    for (logs::Figure& one : template_figures(core.known.miner(), parts->options.top)) {
      all.push_back(std::move(one));
    }
    const CoreFigures& f = core.figures;
    put("lines_total", f.lines);
    put("lineless_total", f.lineless);
    put("gate_passed_total", f.passed_gate);
    put("model_calls_total", f.calls);
    put("model_failures_total", f.failures);
    put("verdict_hits_total", f.hits);
    put("verdicts", core.cache.size());
    put("questions_waiting", core.pending.size());
    put("questions_dropped_total", f.unasked);
    put("budget_spent_lines_total", f.spent);
    put("tokens_total", core.budget.spent_ever());
    put("tokens_today", core.budget.spent_today());
    put("alarms_total", f.alarms);
    put("sampled_out_total", f.sampled_out);
    put("silenced_total", f.silenced);
    put("own_records_lost_total", f.lost);
    put("sessions_open", core.sessions.open());
    put("sessions_broken_total", f.sessions_broken);
    put("unsaved_total", f.unsaved + parts->learned.unsaved());
  });
  const ActionFigures actions = parts->actions->figures();
  put("actions_total", actions.proposed, "what", "proposed");
  put("actions_total", actions.refused, "what", "refused");
  put("actions_total", actions.dry, "what", "dry");
  put("actions_total", actions.done, "what", "done");
  put("actions_total", actions.failed, "what", "failed");
  put("approvals_waiting", parts->actions->waiting().size());
  if (!parts->ring) return all;
  const RingFigures ring = parts->ring->figures();
  put("ring_bytes", ring.held.count);
  put("ring_records_total", ring.records);
  put("ring_files_freed_total", ring.freed);
  put("ring_lost_total", ring.lost);
  put("ring_damaged_total", ring.damaged);
  return all;
}

}  // namespace quern::insight
