// What is counted, for machines.
#include "base/prometheus.hpp"

#include "pipeline/control.hpp"
#include <nlohmann/json.hpp>

#include <array>
#include <string_view>

namespace quern::pipeline {
namespace {

std::string_view word(StageState::Kind kind) {
  switch (kind) {
    case StageState::Kind::input: return "input";
    case StageState::Kind::filter: return "filter";
    case StageState::Kind::output: return "output";
  }
  return "";
}

std::string_view word(Leftover::Kind kind) {
  return kind == Leftover::Kind::buffer ? "buffer" : "dead_letters";
}

struct Counted {
  std::string_view name;
  std::uint64_t StageState::* value;
};
constexpr std::array<Counted, 8> kCounted{{
    {"records_in_total", &StageState::records_in},
    {"bytes_in_total", &StageState::bytes_in},
    {"records_out_total", &StageState::records_out},
    {"bytes_out_total", &StageState::bytes_out},
    {"records_dropped_total", &StageState::dropped},
    {"faults_total", &StageState::faults},
    {"records_dead_total", &StageState::dead},
    {"dead_letters_lost_total", &StageState::dead_lost},
}};

}  // namespace

std::string prometheus_text(const Pipeline& pipeline) {
  PrometheusPage page;
  const std::string prefix = "quern_pipe_";
  for (const StageState& stage : pipeline.stages()) {
    const PrometheusPage::Labels labels{{"stage", stage.name},
                                        {"kind", std::string(word(stage.kind))}};
    for (const Counted& one : kCounted) {
      page.add(prefix + std::string(one.name), labels, stage.*one.value);
    }
    page.add(prefix + "healthy", labels, std::uint64_t{stage.ailment.empty() ? 1U : 0U});
    page.add(prefix + "dead_letters_bytes", labels, stage.dead_held.count);
    if (stage.kind == StageState::Kind::output) {
      page.add(prefix + "buffer_bytes", labels, stage.held.count);
      page.add(prefix + "buffer_torn_bytes", labels, stage.torn.count);
    }
    for (const logs::Figure& figure : stage.figures) {
      PrometheusPage::Labels all = labels;
      all.insert(all.end(), figure.labels.begin(), figure.labels.end());
      page.add(prefix + figure.name, all, figure.value);
    }
  }
  for (const Leftover& left : pipeline.leftovers()) {
    const PrometheusPage::Labels labels{{"stage", left.stage},
                                        {"kind", std::string(word(left.kind))}};
    page.add(prefix + "left_behind_records", labels, left.records);
    page.add(prefix + "left_behind_bytes", labels, left.bytes.count);
  }
  page.add(prefix + "records_unrouted_total", {}, pipeline.unrouted());
  return page.text();
}

std::string stages_json(const Pipeline& pipeline) {
  nlohmann::json all = nlohmann::json::array();
  for (const StageState& stage : pipeline.stages()) {
    nlohmann::json figures = nlohmann::json::array();
    for (const logs::Figure& figure : stage.figures) {
      figures.push_back(
          {{"name", figure.name}, {"labels", figure.labels}, {"value", figure.value}});
    }
    all.push_back({{"kind", word(stage.kind)},
                   {"name", stage.name},
                   {"type", stage.type},
                   {"records_in", stage.records_in},
                   {"bytes_in", stage.bytes_in},
                   {"records_out", stage.records_out},
                   {"bytes_out", stage.bytes_out},
                   {"dropped", stage.dropped},
                   {"faults", stage.faults},
                   {"dead", stage.dead},
                   {"dead_letters_bytes", stage.dead_held.count},
                   {"dead_letters_lost", stage.dead_lost},
                   {"buffer_bytes", stage.held.count},
                   {"ailment", stage.ailment},
                   {"figures", std::move(figures)}});
  }
  nlohmann::json leftovers = nlohmann::json::array();
  for (const Leftover& left : pipeline.leftovers()) {
    leftovers.push_back({{"stage", left.stage},
                         {"kind", word(left.kind)},
                         {"folder", left.folder.string()},
                         {"records", left.records},
                         {"bytes", left.bytes.count}});
  }
  const nlohmann::json page{{"stages", std::move(all)},
                            {"unrouted", pipeline.unrouted()},
                            {"left_behind", std::move(leftovers)}};
  return page.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace quern::pipeline
