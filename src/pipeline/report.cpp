// What is counted, for machines.
#include "base/text.hpp"

#include "pipeline/control.hpp"
#include <nlohmann/json.hpp>

#include <array>
#include <charconv>
#include <map>
#include <string_view>

namespace quern::pipeline {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

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

// Label values escape backslash, quote and line end, says the format.
std::string as_text(const Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    text += (text.empty() ? "{" : ",") + name + "=\"";
    for (const char c : value) {
      if (c == '\\' || c == '"') text += '\\';
      text += c == '\n' ? std::string("\\n") : std::string(1, c);
    }
    text += "\"";
  }
  return text.empty() ? text : text + "}";
}

std::string as_text(double number) {
  std::array<char, 32> digits{};
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr};
}

// Samples of one name stand together in the format, whichever stage they are of.
class Page {
 public:
  void add(const std::string& name, const Labels& labels, double value) {
    samples_[name] += name + as_text(labels) + " " + as_text(value) + "\n";
  }
  std::string text() const {
    std::string page;
    for (const auto& [name, samples] : samples_) {
      page += "# TYPE " + name + (name.ends_with("_total") ? " counter\n" : " gauge\n") + samples;
    }
    return page;
  }

 private:
  std::map<std::string, std::string> samples_;
};

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
  Page page;
  const std::string prefix = "quern_pipe_";
  for (const StageState& stage : pipeline.stages()) {
    const Labels labels{{"stage", stage.name}, {"kind", std::string(word(stage.kind))}};
    for (const Counted& one : kCounted) {
      page.add(prefix + std::string(one.name), labels, static_cast<double>(stage.*one.value));
    }
    page.add(prefix + "healthy", labels, stage.ailment.empty() ? 1 : 0);
    page.add(prefix + "dead_letters_bytes", labels, static_cast<double>(stage.dead_held.count));
    if (stage.kind == StageState::Kind::output) {
      page.add(prefix + "buffer_bytes", labels, static_cast<double>(stage.held.count));
      page.add(prefix + "buffer_torn_bytes", labels, static_cast<double>(stage.torn.count));
    }
    for (const logs::Figure& figure : stage.figures) {
      Labels all = labels;
      all.insert(all.end(), figure.labels.begin(), figure.labels.end());
      page.add(prefix + figure.name, all, figure.value);
    }
  }
  for (const Leftover& left : pipeline.leftovers()) {
    const Labels labels{{"stage", left.stage}, {"kind", std::string(word(left.kind))}};
    page.add(prefix + "left_behind_records", labels, static_cast<double>(left.records));
    page.add(prefix + "left_behind_bytes", labels, static_cast<double>(left.bytes.count));
  }
  page.add(prefix + "records_unrouted_total", {}, static_cast<double>(pipeline.unrouted()));
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
