// `quern pipe check` and `quern pipe test`: a file's stages without a pipeline.
#include "base/text.hpp"

#include "logs/json.hpp"
#include "logs/msgpack.hpp"
#include "logs/record.hpp"
#include "pipeline/chain.hpp"
#include "pipeline/pipeline.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace quern::pipeline {
namespace {

using logs::Batch;

std::string as_json(ByteView object) {
  std::string text;
  const Result<> written = logs::msgpack::to_json(object, text);
  return written.ok() ? text : "a record that is no JSON";
}

Result<Buffer> read_record(const std::string& json) {
  Buffer record;
  TRY(logs::from_json(json, record));
  return record;
}

// The same as JSON values: the order of keys says nothing.
bool same_record(ByteView a, ByteView b) {
  const std::string one = as_json(a);
  if (one == as_json(b)) return true;
  const auto count = logs::fields(a);
  const auto other = logs::fields(b);
  if (!count.ok() || !other.ok() || count->size() != other->size()) return false;
  return std::ranges::all_of(*count, [&](const auto& pair) {
    const auto found = logs::field(b, pair.first);
    return found && as_json(*found) == as_json(pair.second);
  });
}

std::shared_ptr<FilterStage> stage_of(std::string name, std::vector<std::string> match,
                                      Made<logs::Filter> made) {
  return std::make_shared<FilterStage>(FilterStage::Parts{.name = std::move(name),
                                                          .type = {},
                                                          .match = std::move(match),
                                                          .canonical = {},
                                                          .world = std::move(made.world),
                                                          .filter = std::move(made.stage)});
}

// A chain of its own for each test: what one leaves in a filter is not seen by the next.
Result<Chain> chain_for(Blueprint& blueprint, const SampleTest& test) {
  Chain chain;
  if (!test.input.empty()) {
    const auto input = std::ranges::find_if(
        blueprint.plan.inputs, [&](const InputPlan& one) { return one.stage.name == test.input; });
    if (input == blueprint.plan.inputs.end()) {
      return fail(ErrorKind::invalid_argument,
                  "[[test]] " + test.name + ": there is no input \"" + test.input + "\"");
    }
    Made<logs::Filter> parser = TRY(blueprint.make_parser(*input));
    if (parser.stage) chain.push_back(stage_of(test.input, {"*"}, std::move(parser)));
  }
  for (StagePlan& filter : blueprint.plan.filters) {
    Made<logs::Filter> made = TRY(blueprint.make(filter));
    chain.push_back(stage_of(filter.name, filter.match, std::move(made)));
  }
  return chain;
}

Batch run_all(const Chain& chain, Batch batch) {
  Taps taps;
  Batch out = run_chain(chain, 0, std::move(batch), taps, {});
  for (std::size_t i = 0; i < chain.size(); ++i) {
    out.append(run_chain(chain, i + 1, chain[i]->flush(logs::Due::all), taps, {}));
  }
  return out;
}

Result<std::string> compare(const SampleTest& test, const Batch& out) {
  for (std::size_t i = 0; i < std::min(out.size(), test.expect.size()); ++i) {
    const Buffer wanted =
        TRY(read_record(test.expect[i]).context("expect of [[test]] " + test.name));
    if (same_record(out[i].record, wanted)) continue;
    return "record " + std::to_string(i + 1) + ":\n  expected " + as_json(wanted) +
           "\n  got      " + as_json(out[i].record);
  }
  if (out.size() < test.expect.size()) {
    return "expected " + std::to_string(test.expect.size()) + " records, got " +
           std::to_string(out.size()) + "; the first that is missing: " + test.expect[out.size()];
  }
  if (out.size() > test.expect.size()) {
    return "expected " + std::to_string(test.expect.size()) + " records, got " +
           std::to_string(out.size()) +
           "; the first too many: " + as_json(out[test.expect.size()].record);
  }
  return std::string();
}

std::string compare_routes(const SampleTest& test, const Plan& plan, const Batch& out) {
  if (!test.routes) return {};
  std::set<std::string> got;
  for (const OutputPlan& output : plan.outputs) {
    for (const Batch::Run& run : out.runs()) {
      if (wants(output.stage.match, run.tag)) got.insert(output.stage.name);
    }
  }
  if (got == std::set<std::string>(test.routes->begin(), test.routes->end())) return {};
  std::string names;
  for (const std::string& name : got) names += (names.empty() ? "" : ", ") + name;
  return "the records go to: " + (names.empty() ? "no output" : names);
}

}  // namespace

Result<> check(const std::filesystem::path& file, const MakersOf& makers_of, const World& world) {
  Blueprint blueprint = TRY(Blueprint::read(file, makers_of, world));
  for (InputPlan& input : blueprint.plan.inputs) {
    TRY(blueprint.make(input));
    TRY(blueprint.make_parser(input));
  }
  for (StagePlan& filter : blueprint.plan.filters) TRY(blueprint.make(filter));
  for (OutputPlan& output : blueprint.plan.outputs) TRY(blueprint.make(output));
  return {};
}

Result<std::vector<Tested>> run_samples(const std::filesystem::path& file,
                                        const MakersOf& makers_of, const World& world,
                                        const std::filesystem::path& scratch) {
  std::vector<Tested> all;
  const std::size_t tests = TRY(Blueprint::read(file, makers_of, world)).plan.tests.size();
  for (std::size_t i = 0; i < tests; ++i) {
    Blueprint blueprint = TRY(Blueprint::read(file, makers_of, world));
    blueprint.plan.state = scratch / std::to_string(i);
    const SampleTest test = blueprint.plan.tests[i];
    const Chain chain = TRY(chain_for(blueprint, test));
    Batch batch;
    for (const std::string& json : test.records) {
      const Buffer record = TRY(read_record(json).context("records of [[test]] " + test.name));
      batch.add(test.tag, {}, record);
    }
    const Batch out = run_all(chain, std::move(batch));
    std::string difference = TRY(compare(test, out));
    if (difference.empty()) difference = compare_routes(test, blueprint.plan, out);
    all.push_back({.name = test.name, .difference = std::move(difference)});
  }
  return all;
}

}  // namespace quern::pipeline
