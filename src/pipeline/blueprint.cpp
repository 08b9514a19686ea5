#include "pipeline/blueprint.hpp"

#include "base/text.hpp"

#include <utility>

namespace quern::pipeline {
namespace {

constexpr Bytes kLargestFile = 1_MiB;

template <class Map>
Failure unknown_type(const Map& makers, const StagePlan& plan) {
  std::string known;
  std::string near;
  for (const auto& [type, maker] : makers) {
    known += (known.empty() ? "" : ", ") + type;
    if (near.empty() && edit_distance(type, plan.type) <= 2)
      near = "; did you mean \"" + type + "\"?";
  }
  return plan.settings.wrong("type",
                             "there is no \"" + plan.type + "\"" + near + "; known: " + known);
}

}  // namespace

Result<Blueprint> Blueprint::read(const std::filesystem::path& file, const MakersOf& makers_of,
                                  const World& world) {
  Blueprint blueprint(world);
  const Buffer text = TRY(world.files.read(file, kLargestFile));
  Settings settings = TRY(Settings::parse(as_text(text), file.string()));
  blueprint.plan = TRY(read_plan(settings, file));
  blueprint.makers_ = TRY(makers_of(settings, *blueprint.world_of("")));
  TRY(settings.finish());
  return blueprint;
}

std::unique_ptr<logs::StageWorld> Blueprint::world_of(const std::string& stage) const {
  const std::filesystem::path beside = plan.file.has_parent_path() ? plan.file.parent_path() : ".";
  return std::make_unique<logs::StageWorld>(logs::StageWorld{.files = world_.files,
                                                             .clock = world_.clock,
                                                             .network = world_.network,
                                                             .process = world_.process,
                                                             .state = plan.state / "stages" / stage,
                                                             .beside = beside,
                                                             .name = stage});
}

template <class Stage, class Map>
Result<Made<Stage>> Blueprint::make_from(const Map& makers, StagePlan& wanted) {
  const auto maker = makers.find(wanted.type);
  if (maker == makers.end()) return unknown_type(makers, wanted);
  Made<Stage> made{.world = world_of(wanted.name), .stage = nullptr};
  made.stage = TRY(maker->second(wanted.settings, *made.world));
  TRY(wanted.settings.finish());
  return made;
}

Result<Made<logs::Input>> Blueprint::make(InputPlan& wanted) {
  return make_from<logs::Input>(makers_.inputs, wanted.stage);
}
Result<Made<logs::Filter>> Blueprint::make(StagePlan& wanted) {
  return make_from<logs::Filter>(makers_.filters, wanted);
}
Result<Made<logs::Output>> Blueprint::make(OutputPlan& wanted) {
  return make_from<logs::Output>(makers_.outputs, wanted.stage);
}

Result<Made<logs::Filter>> Blueprint::make_parser(const InputPlan& wanted) {
  if (wanted.parser.empty()) return Made<logs::Filter>();
  const auto maker = makers_.filters.find("parse");
  if (maker == makers_.filters.end())
    return wanted.stage.settings.wrong("parser", "this program has no parsers");
  std::string name;
  for (const char c : wanted.parser) name += c == '"' || c == '\\' ? '?' : c;
  Settings settings =
      TRY(Settings::parse("parser = \"" + name + "\"\nreserve_data = true\n", plan.file.string()));
  settings.call("[[input]] " + wanted.stage.name);
  Made<logs::Filter> made{.world = world_of(wanted.stage.name), .stage = nullptr};
  made.stage = TRY(maker->second(settings, *made.world));
  return made;
}

}  // namespace quern::pipeline
