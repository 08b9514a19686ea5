// Lines as "SEVERITY <tab> LABEL <tab> TEXT", SEVERITY a number as in RFC 5424, LABEL "-" for a
// normal line: how many ask for a verdict, and how good the verdicts of their templates are for all
// lines, when each verdict is right about the line it was asked for. For bench/gate.py.
#include "mining/gate.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>

namespace {

using namespace quern::mining;  // NOLINT(google-build-using-namespace)

struct Figures {
  unsigned lines = 0, calls = 0, found = 0, missed = 0, false_alarms = 0;
};

class Judge {
 public:
  explicit Judge(Severity at_least) : gate_({.at_least = at_least}) {}

  void line(Severity severity, bool alert, std::string_view text) {
    const Seen seen = miner_.learn(text);
    const Reasons reasons = gate_.judge({.seen = seen, .parameters = {}, .severity = severity});
    // What became part of an older template has its verdict.
    if ((reasons.new_template || reasons.severity) && !verdicts_.contains(seen.id)) {
      ++figures_.calls;
      verdicts_[seen.id] = alert;
    }
    const auto verdict = verdicts_.find(seen.id);
    const bool told = verdict != verdicts_.end() && verdict->second;
    ++figures_.lines;
    figures_.found += alert && told ? 1 : 0;
    figures_.missed += alert && !told ? 1 : 0;
    figures_.false_alarms += !alert && told ? 1 : 0;
  }
  const Figures& figures() const { return figures_; }

 private:
  Miner miner_;
  Gate gate_;
  std::map<TemplateId, bool> verdicts_;
  Figures figures_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: gate_bench LINES AT_LEAST\n");
    return 2;
  }
  Judge judge(static_cast<Severity>(std::atoi(argv[2])));
  std::ifstream lines(argv[1]);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t label = line.find('\t') + 1;
    const std::size_t text = line.find('\t', label) + 1;
    judge.line(static_cast<Severity>(std::atoi(line.c_str())),
               line.substr(label, text - label - 1) != "-", std::string_view(line).substr(text));
  }
  const Figures& figures = judge.figures();
  std::printf(
      "{\"lines\": %u, \"calls\": %u, \"found\": %u, \"missed\": %u, \"false_alarms\": %u}\n",
      figures.lines, figures.calls, figures.found, figures.missed, figures.false_alarms);
  return 0;
}
