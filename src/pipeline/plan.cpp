#include "pipeline/plan.hpp"

#include "base/host_port.hpp"

#include "logs/msgpack.hpp"
#include "logs/stage.hpp"

#include <algorithm>
#include <set>
#include <string_view>

namespace quern::pipeline {
namespace {

constexpr std::size_t kLongestName = 64;

bool is_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  };
  return !name.empty() && name.size() <= kLongestName && std::ranges::all_of(name, fits);
}

// The names that were given; each stands for one stage in the file, the metrics and the state.
class Names {
 public:
  Result<StagePlan> stage(Settings settings, std::string_view kind) {
    std::string name = TRY(settings.text("name"));
    if (!is_name(name))
      return settings.wrong("name", "must be 1 to 64 letters, digits, \"-\" or \"_\"");
    if (!names_.insert(name).second)
      return settings.wrong("name", "\"" + name + "\" is the name of another stage");
    settings.call("[[" + std::string(kind) + "]] " + name);
    std::string type = TRY(settings.text("type"));
    std::string canonical = settings.canonical();
    return StagePlan{.name = std::move(name),
                     .type = std::move(type),
                     .match = {},
                     .settings = std::move(settings),
                     .canonical = std::move(canonical)};
  }

 private:
  std::set<std::string, std::less<>> names_;
};

Result<> read_match(StagePlan& stage) {
  stage.match = TRY(stage.settings.texts("match"));
  if (stage.match.empty()) stage.match = {"*"};
  return {};
}

Result<> read_buffer(OutputPlan& output) {
  std::optional<Settings> buffer = TRY(output.stage.settings.table("buffer"));
  if (!buffer) return {};
  buffer->call("buffer of [[output]] " + output.stage.name);
  const std::string type = TRY(buffer->one_of("type", {"disk", "memory"}));
  if (type == "memory") output.buffering = Buffering::memory;
  output.limit = TRY(buffer->bytes_or("limit", type == "memory" ? 64_MiB : output.limit));
  const std::string full = TRY(buffer->one_of("when_full", {"block", "drop", "spill"}));
  if (full == "drop") output.when_full = WhenFull::drop;
  if (full == "spill") {
    if (type == "disk") return buffer->wrong("when_full", "only memory can spill (onto the disk)");
    output.when_full = WhenFull::spill;
    output.spill_limit = TRY(buffer->bytes_or("spill_limit", output.spill_limit));
  }
  if (output.limit < 16_MiB) return buffer->wrong("limit", "must be at least 16 MiB");
  if (output.spill_limit < 16_MiB) return buffer->wrong("spill_limit", "must be at least 16 MiB");
  return buffer->finish();
}

Result<> read_retry(OutputPlan& output) {
  std::optional<Settings> retry = TRY(output.stage.settings.table("retry"));
  if (!retry) return {};
  retry->call("retry of [[output]] " + output.stage.name);
  output.first_pause = TRY(retry->duration_or("first", output.first_pause));
  output.longest_pause = TRY(retry->duration_or("longest", output.longest_pause));
  output.attempts = TRY(retry->number_or("attempts", 0, {.least = 0, .most = 1'000'000}));
  if (output.longest_pause < output.first_pause)
    return retry->wrong("longest", "must not be shorter than first");
  return retry->finish();
}

Result<SampleTest> read_test(Settings settings) {
  SampleTest test{.name = TRY(settings.text("name"))};
  settings.call("[[test]] " + test.name);
  test.tag = TRY(settings.text_or("tag", "test"));
  test.input = TRY(settings.text_or("input", ""));
  test.records = TRY(settings.texts("records"));
  for (const std::string& line : TRY(settings.texts("lines"))) {
    std::string json = "{\"log\":";
    logs::msgpack::json_text(line, json);
    test.records.push_back(json + "}");
  }
  if (test.records.empty()) return settings.wrong("records", "a test needs records or lines");
  test.expect = TRY(settings.texts("expect"));
  if (settings.has("outputs")) test.routes = TRY(settings.texts("outputs"));
  TRY(settings.finish());
  return test;
}

Result<> read_pipeline(Settings& settings, Plan& plan) {
  plan.state = plan.file.parent_path() / (plan.file.stem().string() + ".state");
  std::optional<Settings> table = TRY(settings.table("pipeline"));
  if (!table) return {};
  if (const std::string state = TRY(table->text_or("state", "")); !state.empty())
    plan.state = plan.file.parent_path() / state;
  plan.listen = TRY(table->text_or("listen", ""));
  if (!plan.listen.empty()) {
    const Result<HostPort> place = parse_host_port(plan.listen);
    if (!place.ok()) return table->wrong("listen", place.error().message());
  }
  plan.grace = TRY(table->duration_or("grace", plan.grace));
  plan.dead_letters = TRY(table->bytes_or("dead_letters", plan.dead_letters));
  if (plan.dead_letters < 16_MiB) return table->wrong("dead_letters", "must be at least 16 MiB");
  return table->finish();
}

}  // namespace

bool wants(const std::vector<std::string>& match, std::string_view tag) {
  return std::ranges::any_of(
      match, [&](const std::string& pattern) { return logs::tag_matches(pattern, tag); });
}

Result<Plan> read_plan(Settings& settings, const std::filesystem::path& file) {
  Plan plan;
  plan.file = file;
  TRY(read_pipeline(settings, plan));
  Names names;
  for (Settings& table : TRY(settings.tables("input"))) {
    InputPlan input{.stage = TRY(names.stage(std::move(table), "input")), .parser = {}};
    input.parser = TRY(input.stage.settings.text_or("parser", ""));
    plan.inputs.push_back(std::move(input));
  }
  for (Settings& table : TRY(settings.tables("filter"))) {
    plan.filters.push_back(TRY(names.stage(std::move(table), "filter")));
    TRY(read_match(plan.filters.back()));
  }
  for (Settings& table : TRY(settings.tables("output"))) {
    OutputPlan output{.stage = TRY(names.stage(std::move(table), "output"))};
    TRY(read_match(output.stage));
    TRY(read_buffer(output));
    TRY(read_retry(output));
    plan.outputs.push_back(std::move(output));
  }
  for (Settings& table : TRY(settings.tables("test"))) {
    plan.tests.push_back(TRY(read_test(std::move(table))));
  }
  plan.around = settings.canonical({"pipeline", "input", "filter", "output", "test"});
  if (plan.inputs.empty()) return settings.wrong("input", "there is no [[input]]");
  if (plan.outputs.empty()) return settings.wrong("output", "there is no [[output]]");
  if (std::max({plan.inputs.size(), plan.filters.size(), plan.outputs.size()}) > kMostStages)
    return settings.wrong("input", "there are more than 256 inputs, filters or outputs");
  return plan;
}

}  // namespace quern::pipeline
