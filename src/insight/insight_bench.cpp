// Lines as "LABEL <tab> SECONDS <tab> LEVEL <tab> NODE <tab> COMPONENT <tab> TEXT", LABEL "-" for a
// normal line, through the real filter: how often it asks the model, how good what it says of each
// line is, and how many bytes leave it. For bench/insight.py.
//
// With ship = "verdicts" a labelled line counts as found when the window's counts call it unusual.
// Which template a line has is then learned by a miner beside the filter, which gives the same ids.
#include "base/fakes.hpp"

#include "insight/model_judge.hpp"
#include "logs/logs.hpp"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace quern::insight {
namespace {

struct Line {
  bool alert = false;
  std::uint32_t seconds = 0;
  std::string level, node, component, text;
};

std::vector<Line> read_lines(const char* path) {
  std::vector<Line> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::vector<std::string> fields;
    std::size_t begin = 0;
    for (int i = 0; i < 5; ++i) {
      const std::size_t end = line.find('\t', begin);
      fields.push_back(line.substr(begin, end - begin));
      begin = end + 1;
    }
    lines.push_back({fields[0] != "-", static_cast<std::uint32_t>(std::atoll(fields[1].c_str())),
                     fields[2], fields[3], fields[4], line.substr(begin)});
  }
  return lines;
}

// Right about the line that it is asked about.
class LabelJudge final : public Judge {
 public:
  explicit LabelJudge(const std::vector<Line>& lines) {
    for (const Line& line : lines) alerts_.try_emplace(line.text.substr(0, 1024), line.alert);
  }
  std::string name() const override { return "labels"; }
  Result<Said> answer(const Question& question, Deadline, const std::stop_token&) override {
    const auto found = alerts_.find(question.lines.front());
    const bool alert = found != alerts_.end() && found->second;
    return Said{
        .text = std::string(R"({"reason":"its label","class":"other","severity":"error",)") +
                "\"anomaly\":" + (alert ? "true" : "false") + R"(,"confidence":1,"action":"none"})",
        .tokens = 100};
  }

 private:
  std::unordered_map<std::string, bool> alerts_;
};

struct Score {
  std::uint64_t lines = 0, alerts = 0, found = 0, false_alarms = 0;
};

double figure(const logs::Filter& filter, std::string_view name) {
  for (const logs::Figure& one : filter.figures()) {
    if (one.name == name) return one.value;
  }
  return 0;
}

std::uint64_t natural(ByteView map, std::string_view key) {
  const auto value = logs::field(map, key);
  if (!value) return 0;
  const auto token = logs::msgpack::Reader(*value).next();
  return token.ok() ? token->natural : 0;
}

bool says_anomaly(const logs::Entry& entry) {
  const auto value = logs::field(entry.metadata, "insight.anomaly");
  if (!value) return false;
  const auto token = logs::msgpack::Reader(*value).next();
  return token.ok() && token->truth;
}

class Bench {
 public:
  Bench(std::vector<Line> lines, bool ships_all) : lines_(std::move(lines)), all_(ships_all) {}

  // `a_batch` lines come each second.
  void run(Insight& filter, ManualClock& clock, std::size_t repeats, std::size_t a_batch) {
    const std::uint32_t span = lines_.back().seconds - lines_.front().seconds + 60;
    for (std::size_t turn = 0; turn < repeats; ++turn) {
      for (std::size_t begin = 0; begin < lines_.size(); begin += a_batch) {
        const std::size_t end = std::min(begin + a_batch, lines_.size());
        take(filter.apply(batch(begin, end, static_cast<std::uint32_t>(turn) * span), {}).kept,
             begin);
        if (!all_) count(begin, end);
        clock.advance(std::chrono::seconds(1));
        take(filter.flush(logs::Due::by_time).kept, begin);
      }
    }
    clock.advance(std::chrono::hours(1));
    take(filter.flush(logs::Due::by_time).kept, 0);
  }
  const Score& score() const { return score_; }

 private:
  logs::Batch batch(std::size_t begin, std::size_t end, std::uint32_t later) const {
    logs::Batch batch;
    for (std::size_t i = begin; i < end; ++i) {
      const Line& line = lines_[i];
      Buffer record;
      logs::msgpack::Writer writer(record);
      writer.map(4);
      const auto put = [&](std::string_view key, std::string_view value) {
        writer.string(key);
        writer.string(value);
      };
      put("log", line.text);
      put("level", line.level);
      put("node", line.node);
      put("component", line.component);
      batch.add("bgl", {.seconds = line.seconds + later}, record);
    }
    return batch;
  }
  void take(const logs::Batch& kept, std::size_t at) {
    for (const logs::Entry entry : kept) {
      if (entry.tag == "summary") judge_window(entry.record);
      if (!all_ || entry.tag != "bgl") continue;
      add(lines_[at++].alert ? 1 : 0, says_anomaly(entry) ? 1 : 0, 1);
    }
  }
  // Of `lines` of one template `alerts` are labelled and `told` are called unusual.
  void add(std::uint64_t alerts, std::uint64_t told, std::uint64_t lines) {
    score_.lines += lines;
    score_.alerts += alerts;
    score_.found += std::min(alerts, told);
    score_.false_alarms += told > alerts ? told - alerts : 0;
  }
  void count(std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      auto& [lines, alerts] = window_[miner_.learn(lines_[i].text).id];
      ++lines;
      alerts += lines_[i].alert ? 1 : 0;
    }
  }
  void judge_window(ByteView record) {
    const auto templates = logs::field(record, "templates");
    if (!templates) return;
    logs::msgpack::Reader reader(*templates);
    const auto array = reader.next();
    for (std::uint32_t i = 0; array.ok() && i < array->count; ++i) {
      const ByteView one = reader.skip().value();
      const auto id = static_cast<mining::TemplateId>(natural(one, "id"));
      const auto& [lines, alerts] = window_[id];
      if (lines != natural(one, "count")) std::fprintf(stderr, "template %u: other counts\n", id);
      add(alerts, natural(one, "anomalies"), lines);
    }
    window_.clear();
  }

  const std::vector<Line> lines_;
  const bool all_;
  Score score_;
  mining::Miner miner_;
  std::map<mining::TemplateId, std::pair<std::uint64_t, std::uint64_t>> window_;
};

struct World {
  FakeFiles files;
  ManualClock clock;
  FakeNetwork network;
  FakeProcess process;
};

// For as long as the program runs.
std::shared_ptr<inference::Model> load_model(const char* path) {
  static std::unique_ptr<inference::Engine> engine =
      inference::Engine::create_local({.context_tokens = 4096}).value();
  return engine->load({.name = "local", .path = path}).value();
}

int run(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: insight_bench LINES KEYS labels|MODEL REPEATS LINES_A_SECOND\n");
    return 2;
  }
  std::vector<Line> lines = read_lines(argv[1]);
  const std::string judge_name = argv[3];
  const std::shared_ptr<Judge> judge =
      judge_name == "labels" ? std::shared_ptr<Judge>(std::make_shared<LabelJudge>(lines))
                             : make_model_judge(load_model(argv[3]));
  World world;
  Settings settings = Settings::parse(argv[2], "keys").value();
  const bool ships_all = settings.text_or("ship", "all").value() == "all";
  const auto filter = Insight::create(settings,
                                      {.files = world.files,
                                       .clock = world.clock,
                                       .network = world.network,
                                       .process = world.process,
                                       .state = "/state",
                                       .beside = "/",
                                       .name = "bench"},
                                      judge)
                          .value();
  settings.finish().value();
  Bench bench(std::move(lines), ships_all);
  const std::clock_t before = std::clock();
  bench.run(*filter, world.clock, static_cast<std::size_t>(std::atoll(argv[4])),
            static_cast<std::size_t>(std::atoll(argv[5])));
  const double seconds = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  const Score& score = bench.score();
  std::printf(
      "{\"lines\": %llu, \"alerts\": %llu, \"found\": %llu, \"false_alarms\": %llu, \"calls\": "
      "%.0f, "
      "\"failures\": %.0f, \"tokens\": %.0f, \"bytes_in\": %.0f, \"bytes_out\": %.0f, \"cpu_s\": "
      "%.3f}\n",
      static_cast<unsigned long long>(score.lines), static_cast<unsigned long long>(score.alerts),
      static_cast<unsigned long long>(score.found),
      static_cast<unsigned long long>(score.false_alarms), figure(*filter, "model_calls_total"),
      figure(*filter, "model_failures_total"), figure(*filter, "tokens_total"),
      figure(*filter, "bytes_in_total"), figure(*filter, "bytes_out_total"), seconds);
  return 0;
}

}  // namespace
}  // namespace quern::insight

int main(int argc, char** argv) { return quern::insight::run(argc, argv); }
